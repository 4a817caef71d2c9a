import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { usualTimings } from '../../src/core/timings.ts';
import { eventually } from '../faults/eventually.ts';
import { withClient } from '../postgres/connection.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { type RunningDaemon, startUncached } from '../uncached.ts';
import { markerWritten, readMarker } from './marker-file.ts';

const database = testDatabase();
let site: Site;
let daemon: RunningDaemon | undefined;

beforeEach(() => {
  site = makeSite();
});
afterEach(async () => {
  await daemon?.stop('SIGKILL');
  site.remove();
});

async function start(): Promise<RunningDaemon> {
  daemon = startUncached(site.configure(iniFor(site, database.config)));
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
  return daemon;
}

describe('in place of the marker', () => {
  it.each([
    // small-file.test.ts and marker-files.test.ts test what else is not read.
    ['a fifo', (path: string) => execFileSync('mkfifo', [path])],
    ['another shape', (path: string) => writeFileSync(path, '{"boot":1,"clean":"yes"}')],
  ])(
    '%s is not waited for and not read: nothing is known of the last run, and a marker is put there',
    async (_what, make) => {
      site.write(['news/1']);
      make(join(site.root, '.uncached'));
      const daemon = await start();
      await daemon.until('wipe', ({ event }) => event === 'cache-wiped');
      await markerWritten(site.root, daemon);
      expect(site.pages()).toEqual([]);
      const began = performance.now();
      expect(await daemon.stop()).toBe(0);
      expect(performance.now() - began).toBeLessThan(usualTimings.stop.batchMs);
      expect(readMarker(site.root)).toMatchObject({
        clean: true,
        id: expect.stringMatching(/^[0-9a-f]{16}$/),
      });
    },
  );

  it('a directory is reported in words, and clearing continues', async () => {
    mkdirSync(join(site.root, '.uncached'));
    const daemon = await start();
    const { msg } = await daemon.until('alarm', ({ event }) => event === 'loop-failed');
    expect(msg).toContain(`Cannot keep the marker ${site.root}/.uncached`);
    site.write(['news/1']);
    await withClient(database.config, (client) => client.query('NOTIFY port_updated'));
    await eventually(
      'no news',
      async () => (site.pages().length === 0 ? true : undefined),
      async () => site.pages().join(),
    );
  });
});
