import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { replicationBinaries, replicationMissing } from '../postgres/replication.ts';
import type { LaunchedServer } from '../postgres/server.ts';
import { makeSite, type Site } from '../site.ts';
import { type LogLine, type RunningDaemon, startUncached } from '../uncached.ts';
import { eventually } from './eventually.ts';
import { at, iniForHosts, Pair, promote, query } from './pair.ts';
import { Producer } from './producer.ts';

const possible = replicationBinaries() !== undefined;
if (!possible) console.warn(replicationMissing);

/** Of the promotion. */
const recoversWithinMs = 15_000;

let pair: Pair;
let site: Site;
let daemon: RunningDaemon;

beforeEach(async () => {
  site = makeSite();
  if (possible) pair = await Pair.open();
}, 120_000);
afterEach(async () => {
  await daemon?.stop('SIGKILL');
  site.remove();
  await pair?.stop();
});

it.skipIf(!possible)(
  'finds the promoted standby when the primary is killed under load, and stays with it when the old one is back',
  { timeout: 120_000 },
  async () => {
    const { primary, standby } = pair;
    await query(primary, remember);
    await start([primary, standby]);
    const producers = [1, 2].map(
      (n) => new Producer({ site, database: { config: at(primary) } }, `load-${n}`),
    );
    await eventually(
      'under load',
      async () => (producers.every(({ committed }) => committed.length > 20) ? true : undefined),
      async () => lastWords(),
    );
    await primary.kill();
    await daemon.until('outage', isOutage);
    await promote(standby);
    const started = performance.now();
    await cleared(await enqueue(standby, 'first'));
    const ms = performance.now() - started;
    console.log(`failover: ${Math.round(ms)} ms from the promotion until the next clearing`);
    expect(ms).toBeLessThan(recoversWithinMs);
    for (const producer of producers) await producer.stop();
    await done(standby);
    const replicated = await query<{ port: string }>(standby, 'SELECT port FROM changes');
    expect(replicated.length).toBeGreaterThan(40);
    const pages = new Set(site.pages());
    expect(replicated.filter(({ port }) => pages.has(pageOf(port)))).toEqual([]);
    await daemon.until('recovery', ({ event }) => event === 'recovered');
    expect(daemon.log.filter(isOutage)).toHaveLength(1);
    expect(daemon.log.filter(({ event }) => event === 'recovered')).toHaveLength(1);

    // The old one, with nobody to tell it that it is not the primary any more.
    await primary.restart();
    const stray = await enqueue(primary, 'stray');
    await cleared(await enqueue(standby, 'second'));
    expect(existsSync(join(site.root, stray))).toBe(true);

    // As it should come back: the list names it first, and still the primary is found.
    const replaced = await pair.replace(primary, standby);
    expect(await daemon.stop()).toBe(0);
    await start([replaced, standby]);
    await cleared(await enqueue(standby, 'third'));
    expect(await daemon.stop()).toBe(0);
  },
);

it.skipIf(!possible)(
  'clears again what the standby has not heard the clearing of: claims and settlings that were not replicated',
  async () => {
    const { primary, standby } = pair;
    await start([primary, standby], '1s');
    const settling = await enqueue(primary, 'settling');
    await cleared(settling);
    process.kill(daemon.pid, 'SIGSTOP');
    const queued = await enqueue(primary, 'queued');
    await pair.caughtUp();
    expect(await left(standby)).toEqual({ entries: 1, rows: 1 });
    await pair.detach();
    process.kill(daemon.pid, 'SIGCONT');
    await cleared(queued);
    await done(primary);

    // Whoever rendered them before the failover cannot know.
    site.write([settling, queued]);
    await primary.kill();
    await promote(standby);
    for (const page of [settling, queued]) await cleared(page);
    await done(standby);
    expect(await daemon.stop()).toBe(0);
  },
);

async function start(servers: readonly LaunchedServer[], settle?: string): Promise<void> {
  daemon = startUncached(site.configure(iniForHosts(site, servers, settle)));
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
}

/** Nothing is left of an entry that was cleared: what becomes of it is remembered beside it, in the same transaction. */
const remember = `
  CREATE TABLE changes (port text);
  CREATE FUNCTION remember() RETURNS trigger LANGUAGE plpgsql AS
    'BEGIN INSERT INTO changes VALUES (NEW.port); RETURN NULL; END';
  CREATE TRIGGER remember AFTER INSERT ON cache_clearing_ports FOR EACH ROW EXECUTE FUNCTION remember()`;

const pageOf = (port: string) => `ports/www/${port}/Detail.html`;

const isOutage = ({ event }: LogLine) => ['connecting', 'listener-lost', 'loop-failed'].includes(event);

async function enqueue(server: LaunchedServer, port: string): Promise<string> {
  const page = pageOf(port);
  site.write([page]);
  await query(
    server,
    `WITH entry AS (INSERT INTO cache_clearing_ports (category, port) VALUES ('www', $1))
     SELECT pg_notify('port_updated', '')`,
    [port],
  );
  return page;
}

async function cleared(page: string): Promise<void> {
  const ask = async () => (existsSync(join(site.root, page)) ? undefined : true);
  await eventually(`without ${page}`, ask, async () => lastWords());
}

async function done(server: LaunchedServer): Promise<void> {
  await eventually(
    'done',
    async () => {
      const { entries, rows } = await left(server);
      return entries + rows === 0 ? true : undefined;
    },
    async () => `${JSON.stringify(await left(server))} left; ${lastWords()}`,
  );
}

async function left(server: LaunchedServer): Promise<{ entries: number; rows: number }> {
  const [found] = await query<{ entries: number; rows: number }>(
    server,
    `SELECT (SELECT count(*)::int FROM cache_clearing_ports) AS entries,
            (SELECT count(*)::int FROM uncached.journal) AS rows`,
  );
  return found ?? { entries: -1, rows: -1 };
}

function lastWords(): string {
  return daemon.log
    .slice(-20)
    .map((line) => JSON.stringify(line))
    .join('\n');
}
