import type fs from 'node:fs';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { clear } from '../../src/filesystem/clear-patterns.ts';
import {
  breakableChdir,
  codes,
  type SystemFailure,
  systemBreaker,
  systemCalls,
} from '../faults/fail-system-call.ts';
import { makeSite, type Site } from '../site.ts';
import { walks } from './walks.ts';

vi.mock('node:fs', async (load) => {
  // This runs before the imports.
  const { breakable } = await import('../faults/fail-system-call.ts');
  return breakable(await load<typeof fs>());
});
const chdir = process.chdir.bind(process);
vi.spyOn(process, 'chdir').mockImplementation(breakableChdir(chdir));

const bystanders = ['ports/other/1', 'ports/other/sub/1', 'ports/x/stale/1', 'stale/1'];
/** Patterns, and the files that they should delete. */
const asked: Readonly<Record<string, readonly string[]>> = {
  'ports/stale/*': ['0', '.0.0123456789abcdef.tmp', 'sub/0', 'sub/deep/0', 'sub/1', '1'].map(
    (name) => `ports/stale/${name}`,
  ),
  'trees/[s]tale/': ['0', 'sub/0', 'sub/1', '1'].map((name) => `trees/stale/${name}`),
  'pages/*/page': ['pages/0/page', 'pages/1/page'],
  'nowhere/*': [],
};

let site: Site;
beforeAll(() => {
  site = makeSite();
});
afterAll(() => site.remove());

/**
 * With FAULTS=long: every code. Otherwise EPERM, which the walks take as a directory's, and another one in
 * turn.
 */
const codesAt = (nth: number) =>
  codes.filter(
    (code, index) => process.env.FAULTS === 'long' || code === 'EPERM' || index === nth % codes.length,
  );

const ways = systemCalls.flatMap((call) =>
  (['once', 'twice', 'for good'] as const).map((lasting) => ({ call, lasting })),
);

describe.each(walks)('clear, by the %s walk', (name, walk) => {
  it.each(ways)('reports everything that it leaves when $call 1, 2, 3 … fails $lasting', (way) => {
    let nth = 1;
    while (codesAt(nth).filter((code) => strike({ ...way, code, nth })).length > 0) nth += 1;
    expect(nth, `${way.call} was never called`).toBeGreaterThan(1);
  });

  /** Returns whether the call was reached. */
  function strike(failure: SystemFailure): boolean {
    const story = `${name} ${JSON.stringify(failure)}`;
    site.write([...bystanders, ...Object.values(asked).flat()]);
    const home = process.cwd();
    systemBreaker.begin(failure);
    const failing = attempt();
    const fell = systemBreaker.failed > 0;
    systemBreaker.heal();
    chdir(home);
    const left = site.pages();
    expect(left, story).toEqual(expect.arrayContaining(bystanders));
    for (const [pattern, pages] of Object.entries(asked)) {
      if (failing.includes(pattern)) continue;
      const stale = pages.filter((page) => left.includes(page));
      expect(stale, `${story} ${pattern}`).toEqual([]);
    }
    if (!failing.includes('trees/[s]tale/'))
      expect(existsSync(join(site.root, 'trees/stale')), story).toBe(false);
    expect(clear(site.root, Object.keys(asked), walk).failures, story).toEqual([]);
    expect(site.pages(), story).toEqual(bystanders);
    return fell;
  }

  /** The patterns that failed. All of them if it throws. */
  function attempt(): string[] {
    try {
      return clear(site.root, Object.keys(asked), walk).failures.map(({ pattern }) => pattern);
    } catch {
      return Object.keys(asked);
    }
  }
});
