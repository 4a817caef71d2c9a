import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: '.',
    include: ['test/rules/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
