import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { usualTimings } from '../../src/core/timings.ts';
import { eventually } from '../faults/eventually.ts';
import type { LogLine, RunningDaemon } from '../uncached.ts';
import { client, enqueuePort, isEvent, site, start } from './running.ts';

const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
then = news
[handler.packages]
clear[] = packages/*
[handler.news]
clear[] = news/*
`;

beforeEach(() =>
  client.query(`INSERT INTO listen_for (name, script_name) VALUES ('packages_imported', 'packages')`),
);
afterEach(() => client.query(`DELETE FROM listen_for WHERE script_name = 'packages'`));

const count = (daemon: RunningDaemon, event: string, fields: Partial<LogLine> = {}) =>
  daemon.log.filter(isEvent(event, fields)).length;

/**
 * Fifty notifications a second. `lulls` says how often a busy machine made a pause of it, after which it
 * begins anew for a handler without a queue.
 */
async function storm(
  channel: string,
  notifications: number,
  before = 'SELECT',
): Promise<{ seconds: number; lulls: number }> {
  const began = performance.now();
  let lulls = 0;
  for (let nth = 0; nth < notifications; nth++) {
    const sent = performance.now();
    await client.query(`${before}; NOTIFY ${channel}`);
    await wait(20);
    if (performance.now() - sent >= usualTimings.throttles.withoutQueue.leastMs) lulls += 1;
  }
  return { seconds: (performance.now() - began) / 1_000, lulls };
}

const untilGone = (page: string) =>
  eventually(
    `without ${page}`,
    async () => (site.pages().includes(page) ? undefined : true),
    async () => 'it is there',
  );

it('looks for failing rows a few times in a storm on uncached_retry, and at once when it is calm', async () => {
  const daemon = await start({ handlers });
  // It fails for ever, and no retry but those that are asked for comes soon.
  site.write(['elsewhere/1', 'ports/www/other/1']);
  symlinkSync('../../elsewhere', join(site.root, 'ports/www/a'));
  await enqueuePort('www', 'a');
  await client.query('NOTIFY port_updated');
  await daemon.until('failure', isEvent('rows-failed'));
  const attempts = async () =>
    Number((await client.query('SELECT attempts FROM uncached.failing')).rows[0]?.attempts);
  await client.query(`UPDATE uncached.failing SET attempts = 20, retry_at = now() + interval '59 minutes'`);
  // Not sooner than 200 ms after an attempt: a daemon asks for what is due until nothing is, and would find the
  // row again where an attempt takes as long as the time between two notifications.
  const due = `UPDATE uncached.failing SET retry_at = now()
               WHERE retry_at < now() + interval '1 hour' - interval '200 milliseconds'`;
  await client.query(`${due}; NOTIFY uncached_retry`);
  await eventually(
    'tried',
    async () => (await attempts()) > 20 || undefined,
    async () => JSON.stringify(daemon.log.slice(-5)),
  );
  const { seconds } = await storm('uncached_retry', 150, due);
  // At most one every 2 s.
  expect((await attempts()) - 20).toBeLessThanOrEqual(3 + seconds / 2);
});

it('clears a few times in a storm on the channel of a handler without a queue, and after the last one', async () => {
  const daemon = await start({ handlers });
  await daemon.until('catch-up', isEvent('cleared', { handler: 'packages' }));
  const before = count(daemon, 'cleared', { handler: 'packages' });
  const { seconds, lulls } = await storm('packages_imported', 150);
  // Six in the first three seconds, then one every 2 s.
  const few = 20 + 6 * lulls + seconds / 2;
  expect(count(daemon, 'cleared', { handler: 'packages' }) - before).toBeLessThan(few);
  site.write(['packages/last']);
  await client.query('NOTIFY packages_imported');
  await untilGone('packages/last');
});

it('does not clear for a handler without a queue at each of many reconnections, and catches up all the same', async () => {
  const began = performance.now();
  const daemon = await start({ handlers });
  await daemon.until('catch-up', isEvent('cleared', { handler: 'packages' }));
  await daemon.until('settling', isEvent('settled'));
  for (let nth = 1; nth <= 4; nth++) {
    const listened = count(daemon, 'listening');
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name LIKE 'uncached % listener'`,
    );
    // This one is lost, because nobody listens.
    if (nth === 1) {
      site.write(['packages/lost', 'ports/www/a/1']);
      await enqueuePort('www', 'a');
    }
    await daemon.until('LISTEN', () => count(daemon, 'listening') > listened);
  }
  // The catch-up clears the entries at once, and the rest follows soon.
  await untilGone('ports/www/a/1');
  await untilGone('packages/lost');
  // At most one every 10 s.
  const seconds = (performance.now() - began) / 1_000;
  expect(count(daemon, 'cleared', { handler: 'packages' })).toBeLessThanOrEqual(1 + seconds / 10);
});

it('clears what `then` names when somebody notifies and the queue is empty, as fp-listen did', async () => {
  const daemon = await start({ handlers });
  site.write(['news/front', 'ports/www/a/1']);
  await client.query('NOTIFY port_updated');
  await daemon.until('clearing', isEvent('cleared', { handler: 'news' }));
  expect(site.pages()).toEqual(['ports/www/a/1']);
  // The clearing is in the log like any other, and settles.
  await daemon.until('settling', isEvent('settled'));
});

it('does not clear it for nothing where many notify and one claim takes the entries of several', async () => {
  const daemon = await start({ handlers });
  // The server does this at once, in a transaction each. A notification that comes seconds after its entry
  // was claimed counts as empty, and this process may stand still for so long.
  const enqueued = (port: string) =>
    `BEGIN; INSERT INTO cache_clearing_ports (category, port) VALUES ('www', '${port}'); COMMIT`;
  const notified = 'BEGIN; NOTIFY port_updated; COMMIT';
  for (let nth = 0; nth < 100; nth++) await client.query(`${enqueued(`p${nth}`)}; ${notified}`);
  site.write(['ports/www/last/1']);
  // The second one finds nothing.
  const later = (seconds: number) => `SELECT pg_sleep(${seconds})`;
  await client.query(`${enqueued('last')}; ${notified}; ${later(0.05)}; ${notified}; ${later(0.2)}`);
  await untilGone('ports/www/last/1');
  expect(count(daemon, 'cleared', { handler: 'news' })).toBe(0);
});
