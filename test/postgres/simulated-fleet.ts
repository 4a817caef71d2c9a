import { Client } from 'pg';
import type { ConsumerLog, Joined } from '../../src/core/consumer-contract.ts';
import { logGrown } from '../../src/core/contracts.ts';
import { openConsumerLog } from '../../src/postgres/consumer-log.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openLog } from '../../src/postgres/log.ts';
import { openPool, type Pool } from '../../src/postgres/pool.ts';
import { openQueue } from '../../src/postgres/queue.ts';
import type { Connection } from './connection.ts';

/** Nodes that follow the log and have nothing to clear: what a fleet asks of the database. */
export interface Fleet {
  /** The first node claims all entries of cache_clearing_ports. Returns the milliseconds of each claim. */
  claim(entries: number, batch: number): Promise<number[]>;
  /** Every node settles so many rows. */
  settle(rows: number): Promise<void>;
  trim(): Promise<void>;
  close(): Promise<void>;
}

/** Each node has one statement under way at a time, and so many nodes have one at once. */
const connections = 12;

export async function openFleet(config: Connection, { nodes: count }: { nodes: number }): Promise<Fleet> {
  const pool = openPool(openHosts([config]), { connections });
  const listeners = await Promise.all(Array.from({ length: count }, () => listening(config)));
  const nodes = await Promise.all(Array.from({ length: count }, (_, at) => joinAs(pool, at)));
  return {
    claim: (entries, batch) => claimAll(pool, entries, batch),
    async settle(rows) {
      await Promise.all(nodes.map((node, at) => follow(node, { rows, claimed: at === 0 })));
    },
    trim: () => openLog(pool).trim({ keepMs: 0 }),
    async close() {
      await Promise.all(listeners.map((listener) => listener.end()));
      await pool.end();
    },
  };
}

async function listening(config: Connection): Promise<Client> {
  const client = new Client(config);
  await client.connect();
  await client.query(`LISTEN ${logGrown}`);
  return client;
}

interface Node {
  readonly log: ConsumerLog;
  readonly joined: Joined;
}

async function joinAs(pool: Pool, at: number): Promise<Node> {
  const log = openConsumerLog({
    pool,
    id: `root${at}`,
    kind: 'files',
    name: 'files',
    node: `web${at}`,
    place: '/cache',
    owner: `daemon${at}`,
    version: '1',
    handlers: ['ports'],
    behind: [],
    leaseMs: 600_000,
    startsEmpty: false,
    canBeWiped: true,
  });
  const joined = await log.join({ wiping: false });
  if (!joined) throw new Error(`Cannot join as root${at}: another daemon has it`);
  return { log, joined };
}

async function claimAll(pool: Pool, entries: number, batch: number): Promise<number[]> {
  const queue = openQueue(pool, {
    handler: 'ports',
    queue: 'cache_clearing_ports',
    columns: ['category', 'port'],
    user: 'postgres',
    owner: 'daemon0',
  });
  const times: number[] = [];
  let after: string | null = null;
  for (let left = entries; left > 0; ) {
    const started = performance.now();
    const claim = await queue.claim(batch, after);
    times.push(performance.now() - started);
    if (claim.entries === 0) throw new Error(`Cannot claim: ${left} entries are left`);
    left -= claim.entries;
    after = claim.last;
  }
  return times;
}

/** As a daemon does: it reads what others have claimed, notes the open transactions, reads again, and moves its cursors. */
async function follow(
  { log, joined }: Node,
  { rows, claimed }: { rows: number; claimed: boolean },
): Promise<void> {
  const from = joined.settledTo;
  let upTo = claimed ? from + rows : from;
  for (let end = -1; !claimed && end !== upTo; ) {
    end = upTo;
    upTo = (await log.read({ after: end, limit: 1_000 })).upTo;
  }
  const { at } = await log.snapshot({ after: from, upTo });
  for (let to = from; to < upTo; ) to = (await log.readAgain({ after: to, upTo, at })).upTo;
  if (upTo !== from + rows || !(await log.advance({ from, settledTo: upTo, clearedTo: upTo })))
    throw new Error(`Cannot settle: ${from + rows - upTo} entries were not read`);
}
