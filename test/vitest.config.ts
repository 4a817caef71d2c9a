import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    root: '.',
    globalSetup: ['test/postgres/global-setup.ts'],
    include: ['test/**/*.test.ts'],
    exclude: ['test/rules/**'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
});
