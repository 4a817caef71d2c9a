import { once } from 'node:events';
import { expect, test } from 'vitest';
import { within } from './within.ts';

test('within() rejects in time, whether or not the wait reacts to its signal', async () => {
  const message = 'Cannot hear it: not done within 5 ms';
  await expect(within(5, 'hear it', () => new Promise(() => undefined))).rejects.toThrow(message);
  const target = new EventTarget();
  await expect(within(5, 'hear it', (signal) => once(target, 'it', { signal }))).rejects.toThrow(message);
});

test("within() passes on the wait's own end", async () => {
  expect(await within(60_000, 'count', async () => 3)).toBe(3);
  await expect(within(60_000, 'count', () => Promise.reject(new Error('no fingers')))).rejects.toThrow(
    'no fingers',
  );
});
