import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { canMount } from '../faults/namespace.ts';
import type { LaunchedServer } from '../postgres/server.ts';
import type { LogLine, RunningDaemon } from '../uncached.ts';
import { changes, complaints, nginx } from './changes.ts';
import { isCleared } from './events.ts';
import { launchFreshPorts } from './server.ts';
import { tree, untouchable } from './tree.ts';
import { FreshPorts } from './world.ts';

let server: LaunchedServer;
let freshports: FreshPorts;
let daemon: RunningDaemon;
let before: readonly unknown[];

/** On FreshPorts' hosts each set of the cache is a data set of its own, mounted below root. */
const layouts: readonly [string, boolean][] = [
  ['in one directory', false],
  ...(canMount() ? [['in sets that are mounts', true] as [string, boolean]] : []),
];

describe.each(layouts)('a cache %s', (_layout, mounted) => {
  beforeAll(async () => {
    server = await launchFreshPorts();
    freshports = await FreshPorts.open(server, { mounted });
    before = untouchable.map(asItIs);
    daemon = await freshports.startUncached({ sweep: '1s' });
    await freshports.settled();
  });
  afterEach(() => expect(untouchable.map(asItIs)).toEqual(before));
  afterAll(async () => {
    await freshports?.close();
    await server?.stop();
  });

  describe('a change of the site', () => {
    it.each(changes.map((change) => [change.channel, change.what, change] as const))(
      '%s: of %s: its pages go, and no others',
      async (_channel, _what, { sql, stale }) => {
        expect(stale.length).toBeGreaterThan(0);
        freshports.write(tree);
        await freshports.query('commits', sql);
        await freshports.gone(...stale);
        await freshports.settled();
        const left = [...tree, ...untouchable].filter((page) => !stale.includes(page)).sort();
        expect(freshports.site.pages()).toEqual(left);
      },
    );

    it('is seen by www too, which may only insert', async () => {
      freshports.write(tree);
      await freshports.query('www', 'UPDATE ports SET short_description = short_description WHERE id = 1');
      await freshports.gone(...nginx);
    });

    it('of a whole commit with many ports clears them all, and the news once a batch', async () => {
      const pages = Array.from(
        { length: 500 },
        (_, n) => `ports/devel/p${n}/Detail.Part1.head.PageSize100.PageNum1.html`,
      );
      freshports.write(pages);
      const from = daemon.log.length;
      await freshports.query(
        'commits',
        `INSERT INTO ports SELECT 1000 + n, 2, 'p' || n, 'new' FROM generate_series(0, 499) AS n`,
      );
      await freshports.gone(...pages);
      await freshports.settled();
      const batches = daemon.log.slice(from).filter((line: LogLine) => isCleared('listen_port')(line));
      expect(batches.length).toBeLessThan(10);
    });
  });

  describe('the rest of the site', () => {
    it('a junk row of listen_for is an error in the log, and stopped nothing', () => {
      const [line] = daemon.log.filter(({ event }) => event === 'unknown-handler');
      expect(line).toMatchObject({
        level: 50,
        channel: 'packages_cache_clear',
        handler: 'ClearPackagesCache',
      });
    });

    it('the rights are those that the site has given, and what the script adds', async () => {
      for (const sql of [
        `INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2020-01-03')`,
        `UPDATE ports SET name = 'x'`,
        'TRUNCATE cache_clearing_ports',
      ]) {
        await expect(freshports.query('listening', sql)).rejects.toThrow('permission denied');
      }
    });

    it('Nagios counts what waits, and nothing else is in the queue tables', async () => {
      expect(await freshports.backlog()).toBe(0);
    });

    it('check and status are content', async () => {
      freshports.write(tree);
      const options = { sweep: '1s' };
      const { stdout, code } = await freshports.ask(['check'], options);
      expect({ stdout, code }).toEqual({
        stdout: expect.stringMatching(complaints),
        code: 1,
      });
      await freshports.healthy(options);
    });
  });
});

/** The content, and whether the file has been written or replaced. */
function asItIs(page: string): unknown {
  const file = join(freshports.site.root, page);
  const { ino, mtimeMs, mode } = statSync(file);
  return { page, ino, mtimeMs, mode, sha: createHash('sha256').update(readFileSync(file)).digest('hex') };
}
