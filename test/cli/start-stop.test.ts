import { setTimeout as wait } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { openApp } from '../../src/app.ts';
import { serve } from '../../src/cli/serve.ts';
import type { Event } from '../../src/core/events.ts';
import { usualTimings } from '../../src/core/timings.ts';
import { systemClock } from '../../src/daemon/system-clock.ts';
import { openServer } from '../../src/http/server.ts';
import { loadAll } from '../../src/load-all.ts';
import { openMonitor } from '../../src/observe/monitor.ts';
import { eventually } from '../faults/eventually.ts';
import { unsettled } from '../postgres/unsettled.ts';
import { type Random, random } from '../random.ts';
import { iniFor } from '../site.ts';
import { startHere, workersHere } from '../worker-here.ts';
import { client, database, site } from './site-and-database.ts';

const daemons = 10;
const startsOfEach = 5;

/** From before any connection until everything works. */
const moments = ['at once', 'soon', 'serving', 'listening', 'heartbeat'] as const;

/** One that stands by for a daemon that was stopped takes over soon. */
const timings = { ...usualTimings, root: { ...usualTimings.root, standbyMs: 100 } };

/** One queue table, because ten daemons with four could exceed the server's connection limit. */
const handlers = '[handler.listen_port]\nqueue = cache_clearing_ports\nclear[] = ports/{category}/{port}/*\n';

const never = new AbortController().signal;

/** Starts a daemon with its page. */
function start(loaded: ReturnType<typeof loadAll>) {
  const app = openApp(loaded, { startWorker: startHere, timings });
  const happened = new Map<Event['kind'], () => void>();
  const until = (kind: Event['kind']) => new Promise<void>((resolve) => happened.set(kind, resolve));
  const observe = ({ kind }: Event) => happened.get(kind)?.();
  const watch = openMonitor('1', systemClock);
  const server = openServer({ watched: watch, observe, clock: systemClock });
  const stop = new AbortController();
  const serveUntilStop = (leaving: boolean) =>
    serve(app, {
      observe,
      watch,
      systemd: { observe() {}, monitorWorkers() {} },
      channels: undefined,
      onChannelsChanged() {},
      signal: stop.signal,
      stop: leaving ? stop.signal : never,
    });
  return { app, server, stop, until, serveUntilStop };
}

/** Stops everything at a random moment, in random order, and more than once. */
async function live(loaded: ReturnType<typeof loadAll>, chance: Random): Promise<void> {
  const { app, server, stop, until, serveUntilStop } = start(loaded);
  const moment = chance.pick(moments);
  const come = moment === 'at once' || moment === 'soon' ? Promise.resolve() : until(moment);
  const serving = serveUntilStop(chance.chance(0.1));
  void server.listenAt({ host: '127.0.0.1', port: 0 });
  await come;
  if (moment !== 'at once') await wait(chance.below(20));
  if (chance.chance(0.3)) void server.listenAt({ host: 'localhost', port: 0 });
  const closedFirst = chance.chance(0.3) ? app.close() : undefined;
  if (closedFirst) await wait(chance.below(5));
  stop.abort();
  await Promise.all([closedFirst, server.close(), server.close(), app.close(), serving]);
  await app.close();
}

/** Resources that would keep a process from exiting. */
function held(): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const resource of process.getActiveResourcesInfo()) counts[resource] = (counts[resource] ?? 0) + 1;
  return counts;
}

/** The least of each within a second: the runner of the tests has a timer of its own at times. */
async function heldAtRest(): Promise<Record<string, number>> {
  let least = held();
  for (let nth = 0; nth < 10; nth++) {
    await wait(100);
    const now = held();
    least = Object.fromEntries(
      Object.entries(least).map(([name, count]) => [name, Math.min(count, now[name] ?? 0)]),
    );
  }
  return least;
}

const sessions = async () =>
  (
    await client.query<{ name: string }>(
      `SELECT application_name AS name FROM pg_stat_activity
       WHERE datname = current_database() AND application_name ~ '^uncached [0-9a-f]'`,
    )
  ).rows;

/** In sequence, because they share a connection. */
let enqueued: Promise<unknown> = Promise.resolve();
function enqueue(port: string): Promise<unknown> {
  const insert = "INSERT INTO cache_clearing_ports (category, port) VALUES ('www', $1)";
  enqueued = enqueued.then(() => client.query(insert, [port]));
  return enqueued;
}

const entriesLeft = async () =>
  (
    await client.query<{ rows: number }>(
      `SELECT ((SELECT count(*) FROM cache_clearing_ports) + (SELECT count(*) FROM ${unsettled}))::int AS rows`,
    )
  ).rows[0]?.rows;

it('leaves nothing behind, whenever it is stopped, and loses nothing', { timeout: 400_000 }, async () => {
  const loaded = loadAll(site.configure(iniFor(site, database.config, { handlers })));
  const chance = random();
  const before = await heldAtRest();
  await Promise.all(
    Array.from({ length: daemons }, async (_, daemon) => {
      for (let nth = 0; nth < startsOfEach; nth++) {
        await enqueue(`${daemon}-${nth}`);
        site.write([`ports/www/${daemon}-${nth}/index`]);
        await live(loaded, chance);
      }
    }),
  );
  const last = start(loaded);
  const serving = last.serveUntilStop(true);
  await expect.poll(entriesLeft, patience).toBe(0);
  expect(site.pages()).toEqual([]);
  last.stop.abort();
  await Promise.all([serving, last.app.close()]);

  // Not by expect.poll, which holds a timer itself.
  const more = () => Object.entries(held()).filter(([name, count]) => count > (before[name] ?? 0));
  await eventually(
    'left behind nothing',
    async () => more().length === 0 || undefined,
    async () => JSON.stringify(more()),
  );
  await expect.poll(sessions, patience).toEqual([]);
  expect(workersHere.size).toBe(0);
});

const patience = { timeout: 100_000 };
