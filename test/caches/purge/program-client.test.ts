import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commandRunner } from '../../../src/caches/command/command.ts';
import { PurgeCache } from '../../../src/caches/purge/purge-cache.ts';
import { readTargets } from '../../../src/caches/purge/targets.ts';
import type { PurgeSettings } from '../../../src/core/configuration.ts';
import { purgeSettings } from './settings.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'uncached-program-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A program for the test. `$HERE` is its folder. */
function program(name: string, script: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\nHERE=${folder}\n${script}\n`, { mode: 0o755 });
  return path;
}

const written = (name: string) =>
  existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '';

const read = (settings: Partial<PurgeSettings>) =>
  readTargets({ settleMs: 0, purges: [purgeSettings({ to: [], site: [], ...settings })] });

let now: number;
function open(settings: Partial<PurgeSettings>): PurgeCache {
  const { targets, problems } = read(settings);
  const [target = expect.fail(problems.join())] = targets;
  now = 0;
  // Time passes only where somebody waits.
  const clock = {
    now: () => now,
    async wait(ms: number) {
      now += ms;
    },
  };
  return new PurgeCache(target, { clock, tell: () => {}, run: commandRunner() });
}

describe('a program', () => {
  it('reads urls and pages where there is a site, a batch at a time', async () => {
    const run = `${program('all', 'echo "$1" >> $HERE/read; cat >> $HERE/read')} --now`;
    const cache = open({ run, site: ['https://a'], batch: 2 });
    expect(await cache.clear(['/1', ['/2', '/"3"']])).toEqual({ files: 0, failures: [] });
    expect(cache.place).toBe(run);
    expect(written('read')).toBe(`--now
{"url":"/1","page":"https://a/1"}
{"url":"/2","page":"https://a/2"}
--now
{"url":"/\\"3\\"","page":"https://a/\\"3\\""}
`);
  });

  it('reads tags where there is none, up to a hundred', async () => {
    const cache = open({ run: program('all', 'wc -l >> $HERE/counts; cat >> $HERE/read') });
    await cache.clear(Array.from({ length: 150 }, (_, nth) => `tag-${nth}`));
    expect(written('counts').split('\n').map(Number)).toEqual([100, 50, 0]);
    await open({ run: program('all', 'cat > $HERE/read') }).clear(['a', 'b']);
    expect(written('read')).toBe('{"tag":"a"}\n{"tag":"b"}\n');
  });

  it('that fails is tried three times, and is down with the last line of its words', async () => {
    const run = program('bad', 'echo x >> $HERE/runs; echo first >&2; echo "no access" >&2; exit 3');
    const cache = open({ run });
    await expect(cache.clear(['a'])).rejects.toThrow(
      `[purge.varnish] ${run} fails: it ended with 3: no access`,
    );
    expect(written('runs')).toBe('x\n'.repeat(3));
    await expect(cache.clear(['a'])).rejects.toThrow('no access');
    expect(written('runs')).toBe('x\n'.repeat(3));
  });

  it('tells its last line, however much it has written before', async () => {
    const run = program('loud', 'seq 1 100000 >&2; echo "the reason" >&2; exit 1');
    await expect(open({ run }).clear(['a'])).rejects.toThrow('it ended with 1: the reason');
  });

  it('that does not end in time is killed', async () => {
    const cache = open({ run: program('slow', 'exec sleep 1000'), timeoutMs: 100 });
    await expect(cache.clear(['a'])).rejects.toThrow(/ fails: it did not end within .* and was killed/);
  });

  it('that is not there is down', async () => {
    await expect(open({ run: '/none/such' }).clear(['a'])).rejects.toThrow('there is no such program');
  });

  it('that empties the cache is another one, and reads nothing', async () => {
    const everything = `${program('all', 'echo "$@" > $HERE/read; cat >> $HERE/read')} --everything`;
    await open({ run: '/none/such', everything }).wipe();
    expect(written('read')).toBe('--everything\n');
  });
});

it.each([
  [{ run: 'aws' }, 'run = aws: must be a program by its absolute path'],
  [{ run: '/a', everything: 'BAN /' }, 'everything = BAN /: must be a program by its absolute path'],
  [{ run: '/a', to: ['http://x'] }, 'so to means nothing with it'],
  [{ run: '/a', header: ['a: b'] }, 'so header means nothing with it'],
  [{ run: '/a', body: '{}' }, 'so body means nothing with it'],
  [{ run: '/a', expect: ['200'] }, 'so expect means nothing with it'],
  [{}, 'to is missing: where requests go'],
])('%j is refused', (settings, problem) => {
  const { problems } = read(settings);
  expect(problems).toHaveLength(1);
  expect(problems[0]).toContain(problem);
});
