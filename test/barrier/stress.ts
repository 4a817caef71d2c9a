import { mkdtempSync, rmSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import { type Connection, connectionOf } from '../postgres/connection.ts';
import { seeded } from '../random.ts';
import { iniFor, makeSite } from '../site.ts';
import { type RunningDaemon, startUncached } from '../uncached.ts';
import { installLoad } from './install.ts';
import { handlers, keys, makeDirectories, pagesOf, produce, render, versionOf } from './load.ts';
import { type Cursor, type Reader, readers, wrongFunctions } from './readers.ts';

interface ReaderFigures {
  readonly reader: Reader;
  readonly announced: number;
  /** While producers were at work. */
  readonly inTime: number;
  /** A page that was older than what was announced. */
  readonly stale: number;
  /** Changes that were never announced. */
  readonly missed: number;
}

export interface StressFigures {
  readonly changes: number;
  readonly renders: number;
  readonly kills: number;
  /** Pages that are stale when everything is at rest. */
  readonly staleAtRest: number;
  readonly readers: readonly ReaderFigures[];
}

const settleMs = 1_000;
const restMs = 120_000;
const killEveryMs = 2_000;

/**
 * Producers of both styles, writers of both kinds, two daemons on one root that are killed again and again, and nine
 * readers that announce changes: each compares the pages with what it announces, at once.
 * @param kills each comes only after something was announced, and so many come at least, however slow the machine is;
 *   without it there is one every two seconds, whatever that leaves to the daemons
 */
export async function runStress(
  server: Connection,
  { seed, seconds, kills: leastKills }: { seed: string; seconds: number; kills?: number },
): Promise<StressFigures> {
  const site = makeSite();
  const spool = mkdtempSync(`${site.root}-spool-`);
  const clients: Client[] = [];
  const connect = async () => {
    const client = new Client(connectionOf(server));
    clients.push(client);
    await client.connect();
    return client;
  };
  const client = await connect();
  await installLoad(client);
  await client.query(wrongFunctions);
  makeDirectories(site.root);
  const file = site.configure(
    iniFor(site, server, { settle: `${settleMs}ms`, handlers, more: '[daemon]\nsweep = 2s' }),
  );
  const daemons: RunningDaemon[] = [];
  // What is at work: producers end first, then writers, then readers.
  let phase: 'load' | 'rest' | 'read' | 'over' = 'load';
  let renders = 0;
  let kills = 0;
  /** By the readers that are right, while producers are at work. */
  let inTime = 0;

  async function producer(name: string): Promise<void> {
    const [random, own] = [seeded(`${seed} ${name}`), await connect()];
    while (phase === 'load') {
      await produce(own, random);
      await wait(random.between(0, 10));
    }
  }

  async function writer(name: string): Promise<void> {
    const [random, own] = [seeded(`${seed} ${name}`), await connect()];
    while (phase === 'load' || phase === 'rest') {
      if (await render(own, random, { root: site.root, spool, limitMs: settleMs / 5 })) renders += 1;
      else await wait(1);
    }
  }

  async function read(reader: Reader): Promise<Omit<ReaderFigures, 'missed'> & { seen: Set<number> }> {
    const own = await connect();
    const cursor: Cursor = { xid: '0', id: 0, most: 0, seen: new Set() };
    const figures = { reader, announced: 0, inTime: 0, stale: 0, seen: cursor.seen };
    for (let over = false, found = 0; !over || found > 0; ) {
      over = phase === 'over';
      const changes = await reader.next(own, cursor);
      found = changes.length;
      for (const { id, k, v, xid } of changes) {
        figures.announced += 1;
        if (phase === 'load') figures.inTime += 1;
        if (phase === 'load' && reader.isRight) inTime += 1;
        if (pagesOf(site.root, k).some((page) => (versionOf(page) ?? v) < v)) figures.stale += 1;
        cursor.seen.add(id);
        Object.assign(cursor, { xid, id, most: Math.max(cursor.most, id) });
      }
      await wait(5);
    }
    return figures;
  }

  async function killer(): Promise<void> {
    const random = seeded(`${seed} killer`);
    while (phase === 'load') {
      const before = inTime;
      await wait(killEveryMs * random.between(0.75, 1.25));
      while (leastKills !== undefined && inTime === before && phase === 'load') await wait(25);
      const at = random.below(daemons.length);
      await daemons[at]?.stop('SIGKILL');
      daemons[at] = startUncached(file);
      kills += 1;
    }
  }

  const pending = async () => {
    const { rows } = await client.query(`SELECT * FROM uncached.pending('settled', NULL, NULL)`);
    return rows;
  };

  /** For the error that the stress ends with: what the server and the daemons were doing. */
  const describe = async () => {
    const { rows } = await client.query(
      `SELECT application_name, state, wait_event, now() - xact_start AS open, left(query, 60) AS query
       FROM pg_stat_activity WHERE datname = current_database()`,
    );
    const lines = daemons.flatMap(({ pid, log }) => log.slice(-20).map((line) => ({ pid, ...line })));
    return [...rows, ...lines].map((one) => JSON.stringify(one)).join('\n');
  };

  try {
    daemons.push(startUncached(file));
    await daemons[0]?.until('LISTEN', ({ event }) => event === 'listening');
    daemons.push(startUncached(file));
    const producing = [...'1234'].map((n) => producer(`producer ${n}`));
    const writing = [...'123'].map((n) => writer(`writer ${n}`));
    const reading = readers.map(read);
    const killing = killer();
    const loaded = async () => {
      await wait(seconds * 1_000);
      while (kills < (leastKills ?? 0)) await wait(25);
    };
    await Promise.race([loaded(), ...producing, ...writing, ...reading, killing]);
    phase = 'rest';
    await Promise.all([...producing, killing]);
    const until = performance.now() + restMs;
    for (let rows = await pending(); rows.length > 0; rows = await pending()) {
      if (performance.now() > until)
        throw new Error(`Not settled within ${restMs} ms: ${JSON.stringify(rows)}\n${await describe()}`);
      await wait(25);
    }
    await wait(settleMs / 2);
    phase = 'read';
    await Promise.all(writing);
    phase = 'over';
    const done = await Promise.all(reading);
    const { rows: ids } = await client.query<{ id: number }>('SELECT id::int AS id FROM changelog');
    const { rows: pages } = await client.query<{ k: string; v: number }>('SELECT k, v FROM pages');
    const versions = new Map(pages.map(({ k, v }) => [k, v]));
    return {
      changes: ids.length,
      renders,
      kills,
      staleAtRest: keys.filter((key) =>
        pagesOf(site.root, key).some((page) => (versionOf(page) ?? versions.get(key)) !== versions.get(key)),
      ).length,
      readers: done.map(({ seen, ...figures }) => ({
        ...figures,
        missed: ids.filter(({ id }) => !seen.has(id)).length,
      })),
    };
  } finally {
    phase = 'over';
    await Promise.all(daemons.map((daemon) => daemon.stop('SIGKILL')));
    await Promise.all(clients.map((each) => each.end()));
    rmSync(spool, { recursive: true, force: true });
    site.remove();
  }
}

/** One line for each reader, for people. */
export function formatFigures({ changes, renders, kills, staleAtRest, readers: all }: StressFigures): string {
  return [
    `${changes} changes, ${renders} renders, ${kills} kills, ${staleAtRest} stale at rest`,
    ...all.map(
      ({ reader, announced, inTime, stale, missed }) =>
        `${reader.isRight ? 'right    ' : 'CONVICTED'} ${reader.name.padEnd(30)} announced ${announced} (${inTime} in time), stale ${stale}, missed ${missed}`,
    ),
  ].join('\n');
}
