import { spawnSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { canMount } from '../faults/namespace.ts';
import { ordinaryAccount } from '../postgres/account.ts';
import { withClient } from '../postgres/connection.ts';
import type { LaunchedServer } from '../postgres/server.ts';
import { type RunningDaemon, startUncached, uncached } from '../uncached.ts';
import { changes, complaints } from './changes.ts';
import { isCleared } from './events.ts';
import { type MountedCache, mountCache } from './own-mounts.ts';
import { launchFreshPorts } from './server.ts';
import { below, tree, untouchable } from './tree.ts';
import { FreshPorts } from './world.ts';

const account = ordinaryAccount();
const missing = ['setpriv', 'nsenter'].some((program) => spawnSync(program, ['--version']).status !== 0);
const possible = account !== undefined && !missing && canMount();
if (!possible) {
  console.warn(
    'SKIPPED: data sets of their own are tried as root, with unshare, nsenter and setpriv (util-linux)',
  );
}

/**
 * Like FreshPorts' hosts: each set of the cache is a mount, the daemon is an ordinary user, and fp-listen.ini
 * is unchanged.
 */
describe.skipIf(!possible).each([
  ['may be written by the daemon', '2775'],
  ['may not', '755'],
])('sets on mounts of their own, below a root that %s', (_what, rootMode) => {
  let server: LaunchedServer;
  let freshports: FreshPorts;
  let cache: MountedCache;
  let daemon: RunningDaemon;
  let file: string;
  let env: NodeJS.ProcessEnv;
  let begun: readonly unknown[];

  beforeAll(async () => {
    server = await launchFreshPorts();
    freshports = await FreshPorts.open(server);
    const { root } = freshports.site;
    if (account) cache = await mountCache(root, { account, rootMode });
    cache.write([...tree, ...untouchable]);
    begun = untouchable.map(asItIs);
    file = freshports.configure({ asItIs: true });
    // Settings that fp-listen.ini has no options for. Times are shorter than the defaults, so that tests are
    // quick. There is no heartbeat, because one that is late clears the news and the packages once more.
    env = {
      PATH: `${join(dirname(root), 'bin')}:${process.env.PATH}`,
      UNCACHED_SETTLE: '500ms',
      UNCACHED_SWEEP: '1s',
      UNCACHED_HEARTBEAT: '1h',
    };
    daemon = startUncached(file, env, { before: cache.before });
    await daemon.until('LISTEN', ({ event }) => event === 'listening');
  });
  afterAll(async () => {
    await daemon?.stop();
    await cache?.close();
    await freshports?.close();
    await server?.stop();
  });

  const ask = (...args: string[]) => uncached(['--config', file, ...args], env, { before: cache.before });
  const gone = (...pages: readonly string[]) =>
    eventually(
      `without ${pages}`,
      async () => (pages.some((page) => cache.has(page)) ? undefined : true),
      async () =>
        daemon.log
          .slice(-10)
          .map((line) => JSON.stringify(line))
          .join('\n'),
    );

  it('packages are rolled back and the news cleared at the start: a notification may have been missed', async () => {
    await daemon.until('catch-up', isCleared('listen_packages_imported'));
    await gone(...below('packages/', 'news/'));
  });

  it.each(changes.map((change) => [change.channel, change.what, change] as const))(
    '%s: of %s: its pages go, and no others',
    async (_channel, _what, { sql, stale }) => {
      await freshports.settled();
      cache.write(tree);
      await freshports.query('commits', sql);
      await gone(...stale);
      await freshports.settled();
      expect(cache.pages()).toEqual([...tree, ...untouchable].filter((page) => !stale.includes(page)).sort());
    },
  );

  it('a NOTIFY that a person types clears the news, although the queue is empty', async () => {
    await freshports.settled();
    cache.write(tree);
    const news = below('news/');
    await eventually(
      'without news',
      async () => {
        // Within 2 s of a claim it would count as the late notification of the claimed entry.
        await freshports.query('commits', 'NOTIFY date_updated');
        return news.some((page) => cache.has(page)) ? undefined : true;
      },
      async () => JSON.stringify(daemon.log.slice(-10)),
    );
    await freshports.settled();
    expect(cache.pages()).toEqual([...tree, ...untouchable].filter((page) => !news.includes(page)).sort());
  });

  it('an entry leaves its queue table when it is claimed, and is unsettled in the log until it was cleared again', async () => {
    await freshports.settled();
    cache.write(tree);
    const from = daemon.log.length;
    await withClient(freshports.administrator, async (other) => {
      // Settling waits for this transaction, which has not committed its changes yet.
      await other.query('BEGIN; SELECT pg_current_xact_id()');
      await freshports.touch(1);
      await eventually(
        'cleared',
        async () => (daemon.log.slice(from).some(isCleared('listen_port')) ? true : undefined),
        async () => JSON.stringify(await freshports.unsettled()),
      );
      expect(await freshports.backlog()).toBe(0);
      expect(await freshports.unsettled()).toContainEqual(
        expect.objectContaining({ handler: 'listen_port', last_error: null }),
      );
      await other.query('COMMIT');
    });
    await freshports.settled();
  });

  it('a date that is NULL is kept, and status warns, until it is dropped', async () => {
    await freshports.query(
      'postgres',
      'INSERT INTO cache_clearing_dates (date_to_clear) VALUES (NULL); NOTIFY date_updated',
    );
    await daemon.until('its line', ({ event }) => event === 'rows-invalid');
    const saying = (code: number, words: RegExp) => {
      let last = '';
      const look = async () => {
        const said = await ask('status');
        last = said.stdout;
        return said.code === code && words.test(last) ? true : undefined;
      };
      return eventually(`${code}, ${words}`, look, async () => last);
    };
    await saying(1, /listen_date_updated: 1 row with an invalid key/);
    // The daemon reports the row at once. It can be dropped when it has settled.
    await eventually(
      'kept',
      async () => (await freshports.unsettled()).some(({ last_error }) => last_error !== null) || undefined,
      async () => JSON.stringify(await freshports.unsettled()),
    );
    expect((await ask('failing', 'drop', '--all')).code).toBe(0);
    await freshports.settled();
    await saying(0, /^UNCACHED OK/);
  });

  it('check has no other complaints than elsewhere', async () => {
    cache.write(tree);
    expect(await ask('check')).toEqual({
      code: 1,
      stdout: expect.stringMatching(complaints),
      stderr: '',
    });
  });

  it('nothing else was ever touched, and nothing outside', () => {
    expect(untouchable.map(asItIs)).toEqual(begun);
    // The files that the mounts hide.
    expect(freshports.site.pages()).toEqual([...tree, ...untouchable].sort());
    expect(daemon.log.filter(({ event }) => event === 'disk-failing')).toEqual([]);
  });

  function asItIs(page: string): unknown {
    const { ino, mtimeMs } = statSync(cache.at(page));
    return { page, ino, mtimeMs, text: readFileSync(cache.at(page), 'utf8') };
  }
});
