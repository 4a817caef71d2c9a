import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import type { Random } from '../random.ts';
import type { Company } from '../stress/company.ts';
import type { NodeDaemons } from '../stress/node-daemons.ts';
import type { Report } from '../stress/report.ts';
import type { World } from '../stress/world.ts';
import type { Site } from './site.ts';

/** What a happening works with. */
export interface Stage {
  readonly world: World;
  readonly site: Site;
  readonly company: Company;
  readonly report: Report;
  readonly random: Random;
  /** Of all nodes. */
  readonly fleet: readonly NodeDaemons[];
  /** Those to which something is done. */
  readonly busy: Set<NodeDaemons>;
  /** Aborts when the load ends: what waits goes on, and cleans up. */
  readonly signal: AbortSignal;
}

/** Something that happens to a site within a day. */
export interface Happening {
  readonly name: string;
  /** How often in each round of all. */
  readonly weight?: number;
  /** Events of the log that are errors, and are right after this. */
  readonly excuses?: readonly string[];
  run(stage: Stage): Promise<unknown>;
}

/** Waits so long, at most until the load ends. */
export async function pause({ random, signal }: Stage, leastMs: number, mostMs: number): Promise<void> {
  await wait(random.between(leastMs, mostMs), undefined, { signal }).catch(() => {});
}

/** A session of an administrator. */
export async function asAdministrator<T>({ world }: Stage, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({ ...world.connection, application_name: 'soak administrator' });
  client.on('error', () => {});
  await client.connect();
  try {
    await client.query(`SET lock_timeout = '10s'`);
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}

/** The one whose daemon is never restarted. */
export function steady({ fleet }: Pick<Stage, 'fleet'>): NodeDaemons {
  const [first] = fleet;
  if (!first) throw new Error('Cannot tell the steady daemon: there is none');
  return first;
}

/** Does something to the daemon of another node, unless it is away, or something else is done to it. */
export async function withAnother(
  { fleet, random, busy }: Stage,
  work: (daemons: NodeDaemons) => Promise<void>,
): Promise<void> {
  const daemons = random.pick(fleet.slice(1));
  if (daemons.isAway || busy.has(daemons)) return;
  busy.add(daemons);
  await work(daemons).finally(() => busy.delete(daemons));
}
