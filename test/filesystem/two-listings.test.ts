import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { pageOfTemp } from '../../src/core/reserved-names.ts';
import { clear } from '../../src/filesystem/clear-patterns.ts';
import { interposed } from './interposed.ts';
import { walks } from './walks.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'uncached-listings-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const pages = Array.from({ length: 40 }, (_one, number) => `${number}.html`);
const tempOf = (page: string) => `.${page}.0123456789abcdef.tmp`;

function writeTemps(names: readonly string[]): void {
  mkdirSync(join(root, 'news'), { recursive: true });
  for (const page of names) writeFileSync(join(root, 'news', tempOf(page)), 'stale');
}

/** The end of a writer's render: if a clearing deleted its temp, it stores nothing. */
function publish(page: string): void {
  try {
    renameSync(join(root, 'news', tempOf(page)), join(root, 'news', page));
  } catch {
    // A clearing deleted the temp.
  }
}

const stale = () => (existsSync(join(root, 'news')) ? readdirSync(join(root, 'news')) : []);

describe.each(walks)('with a writer that publishes at any one step of a clearing, %s walk', (_name, walk) => {
  it.each([['news/*'], ['news/?.html'], ['news/1.html'], ['news/'], ['*']])(
    '%s leaves no page behind',
    (pattern) => {
      const names = pattern === 'news/1.html' ? ['1.html'] : ['1.html', '2.html', '3.html'];
      for (const page of names) {
        for (let at = 1, steps = at; at <= steps; at++) {
          writeTemps(names);
          let step = 0;
          const { failures } = clear(
            root,
            [pattern],
            interposed(walk, () => ++step === at && publish(page)),
          );
          expect([stale(), failures], `${page} published after step ${at}`).toEqual([[], []]);
          steps = step;
        }
      }
    },
  );
});

/** A thread that publishes all temps as fast as it can, each time it gets a message. */
const writer = `
const { renameSync } = require('node:fs');
const { parentPort, workerData: { turn, pairs } } = require('node:worker_threads');
for (let round = 1; ; round++) {
  Atomics.wait(turn, 0, round - 1);
  Atomics.wait(turn, 2, 0, Math.random() * 0.4);
  for (const [temp, page] of pairs) try { renameSync(temp, page) } catch {}
  Atomics.store(turn, 1, round);
  Atomics.notify(turn, 1);
}
`;

/**
 * Clears while the writer publishes. Returns the number of rounds that left a page whose temp existed before.
 * @param ms the time after which no round begins
 */
function staleRounds(
  clearNews: () => void,
  {
    rounds = Number.POSITIVE_INFINITY,
    ms = Number.POSITIVE_INFINITY,
    enough,
  }: { rounds?: number; ms?: number; enough: number },
): number {
  writeTemps([]);
  const turn = new Int32Array(new SharedArrayBuffer(12));
  const pairs = pages.map((page) => [tempOf(page), page].map((name) => join(root, 'news', name)));
  const thread = new Worker(writer, { eval: true, workerData: { turn, pairs } });
  const end = performance.now() + ms;
  let found = 0;
  for (let round = 1; round <= rounds && found < enough && performance.now() < end; round++) {
    writeTemps(pages);
    Atomics.store(turn, 0, round);
    Atomics.notify(turn, 0);
    clearNews();
    if (Atomics.wait(turn, 1, round - 1, 90_000) === 'timed-out') throw new Error('The writer has died');
    const left = readdirSync(join(root, 'news'));
    if (left.length > 0) found += 1;
    for (const name of left) unlinkSync(join(root, 'news', name));
  }
  void thread.terminate();
  return found;
}

const isTemp = (name: string) => pageOfTemp(name) !== undefined;

function unlinkAll(names: readonly string[]): void {
  for (const name of names) {
    try {
      unlinkSync(join(root, 'news', name));
    } catch {
      // Already gone.
    }
  }
}

const list = () => readdirSync(join(root, 'news'));

const precautionless = {
  'one listing': () => {
    const listed = list();
    unlinkAll(listed.filter(isTemp));
    unlinkAll(listed.filter((name) => !isTemp(name)));
  },
  'pages before temps': () => {
    unlinkAll(list().filter((name) => !isTemp(name)));
    unlinkAll(list().filter(isTemp));
  },
};

describe('with a writer that publishes as fast as it can', () => {
  it.each(walks)('the %s walk leaves no stale page in 500 clearings', (_name, walk) => {
    const clearNews = () => expect(clear(root, ['news/*'], walk).failures).toEqual([]);
    expect(staleRounds(clearNews, { rounds: 500, enough: 1 })).toBe(0);
  });

  it.each(Object.entries(precautionless))('%s is convicted', async (_name, clearNews) => {
    expect(staleRounds(clearNews, { ms: 90_000, enough: 3 })).toBe(3);
  });
});
