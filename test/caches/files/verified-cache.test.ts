import { expect, it } from 'vitest';
import { Gate } from '../../../src/caches/files/gate.ts';
import { verifiedCache } from '../../../src/caches/files/verified-cache.ts';
import type { PageFiles } from '../../../src/core/page-files.ts';
import { rootRefusal } from '../../../src/core/root.ts';

type Identities = Readonly<Record<string, string>>;

/** A cache that is the right one for these identities only. */
function world(right: string) {
  const gate = new Gate<Identities>();
  const asked: { patterns: unknown[]; identities: Identities | undefined }[] = [];
  const disk = { right };
  const cache: PageFiles = {
    async clear(patterns, how) {
      const [first, ...rest] = patterns;
      asked.push({ patterns: [first, ...rest], identities: how?.identities });
      if (how?.identities?.[''] !== disk.right) throw rootRefusal('another directory');
      return { files: 1, failures: [] };
    },
    close: async () => {},
  };
  const doubts: number[] = [];
  const verified = verifiedCache(cache, {
    verified: () => gate.value,
    recheck() {
      doubts.push(asked.length);
      gate.close();
    },
  });
  return { gate, asked, disk, doubts, verified };
}

/** Made while they are consumed, as in a batch (clearing/batch.ts). */
const made = (...patterns: string[]): Iterable<string> => ({
  *[Symbol.iterator]() {
    yield* patterns;
  },
});

const soon = () => new Promise((resolve) => setImmediate(resolve));

it('asks nothing of a cache that is not known to be the cache, and all of it as soon as it is', async () => {
  const { gate, asked, verified } = world('a');
  const clearing = verified.clear(made('x', 'y'));
  await soon();
  expect(asked).toEqual([]);
  gate.open({ '': 'a' });
  expect((await clearing).files).toBe(1);
  expect(asked).toEqual([{ patterns: ['x', 'y'], identities: { '': 'a' } }]);
});

it('waits when something else was met, and asks for the same again', async () => {
  const { gate, asked, disk, doubts, verified } = world('a');
  gate.open({ '': 'a' });
  disk.right = 'b';
  const clearing = verified.clear(made('x', 'y'));
  await soon();
  expect([doubts, asked.length]).toEqual([[1], 1]);
  gate.open({ '': 'b' });
  expect((await clearing).files).toBe(1);
  expect(asked.map(({ patterns }) => patterns)).toEqual([
    ['x', 'y'],
    ['x', 'y'],
  ]);
});

it('leaves it to the caller when it stays the wrong cache, and at the end', async () => {
  const { gate, verified } = world('a');
  const opening = setInterval(() => gate.open({ '': 'never' }));
  await expect(verified.clear(['x'])).rejects.toMatchObject({ code: 'EROOT' });
  clearInterval(opening);
  gate.close();
  const waiting = verified.clear(['x']);
  gate.end(new Error('stopping'));
  await expect(waiting).rejects.toThrow('stopping');
  await expect(verified.clear(['x'])).rejects.toThrow('stopping');
});

it('passes on any other failure at once', async () => {
  const failing = { ...world('a').verified };
  const cache: PageFiles = { ...failing, clear: async () => Promise.reject(new Error('no memory')) };
  const verified = verifiedCache(cache, {
    verified: async () => ({}),
    recheck: () => expect.fail('no doubt'),
  });
  await expect(verified.clear(['x'])).rejects.toThrow('no memory');
});
