import type { Handler } from '../clearing/handler.ts';
import type { Inspected } from '../config/load.ts';
import type { DatabaseSettings } from '../core/configuration.ts';
import { errorCode } from '../core/errors.ts';
import type { SeenRoot } from '../core/root.ts';
import { checkTimings } from '../core/timings.ts';
import { withAdvice } from '../postgres/advice.ts';
import { openDependents } from '../postgres/ask-dependents.ts';
import { readChannels } from '../postgres/channels.ts';
import { connectionConfigs, describeConnection } from '../postgres/connection.ts';
import { limitProblems } from '../postgres/connection-limits.ts';
import { inspectExpand } from '../postgres/expand-inspection.ts';
import { type Hosts, openHosts } from '../postgres/hosts.ts';
import {
  inspectListenFor,
  inspectLog,
  inspectMemory,
  inspectSchemas,
  inspectServer,
} from '../postgres/inspections.ts';
import { canReceive } from '../postgres/listener.ts';
import { inspectOwners } from '../postgres/owners.ts';
import { openAskingPool, openPool, type Pool } from '../postgres/pool.ts';
import { commitNotices, triggerProblems } from '../postgres/trigger-problems.ts';
import { inspectChannels } from './check-channels.ts';
import { inspectQueues } from './check-queues.ts';
import { inspectRootOf } from './check-root.ts';
import { type Findings, findings } from './findings.ts';

interface RootSeen extends Inspected {
  /** Undefined if root cannot be entered. */
  readonly seen: SeenRoot | undefined;
}

/**
 * Everything that can be checked through the connection; an error of one inspection hides nothing from the
 * others.
 */
export async function inspectDatabase(
  { database, root }: { database: DatabaseSettings; root: string },
  handlers: ReadonlyMap<string, Handler>,
  inspected: RootSeen,
): Promise<Findings> {
  const hosts = openHosts(connectionConfigs(database), checkTimings);
  const pool = openPool(hosts, { standbyToo: true });
  try {
    await hosts.findPrimary();
    await pool.query('SELECT');
    return await inspectConnected(pool, hosts, { root, handlers, inspected });
  } catch (error) {
    const who = describeConnection(hosts.current());
    return { problems: [withAdvice(`Cannot connect to ${who}`, error).message], notices: [] };
  } finally {
    await pool.end();
  }
}

async function inspectConnected(
  pool: Pool,
  hosts: Hosts,
  {
    root,
    handlers,
    inspected,
  }: { root: string; handlers: ReadonlyMap<string, Handler>; inspected: RootSeen },
): Promise<Findings> {
  const user = hosts.current().user ?? '';
  const { install } = inspected;
  const expands = [...handlers.values()].some(({ expand }) => expand);
  const queues = [...handlers.values()].flatMap(({ queue }) => queue ?? []);
  // What keeps listen_for from being read is reported separately.
  const channels = await readChannels(pool).catch(() => undefined);
  const { found, attempt } = findings();
  const problems = (what: string, inspection: () => Promise<string[]>) =>
    attempt(what, async () => ({ problems: await inspection() }));
  const notices = (what: string, inspection: () => Promise<string[]>) =>
    attempt(what, async () => ({ notices: await inspection() }));

  await problems('inspect the server', () => inspectServer(pool));
  await problems('inspect the limits of connections', () =>
    limitProblems(pool, { queues: queues.length, expands }),
  );
  await problems('inspect uncached.log', () => inspectLog(pool, user, install));
  await problems('inspect the tables of the daemon', () => inspectMemory(pool, user, install));
  await problems('inspect listen_for', () => inspectListenFor(pool, user));
  await attempt('inspect the queue tables', () => inspectQueues(pool, user, handlers, channels));
  const asking = openAskingPool(hosts);
  const ask = openDependents(asking, user);
  for (const { name, expand } of handlers.values())
    if (expand)
      await attempt(`inspect the expand of ${name}`, () =>
        inspectExpand(pool, { handler: name, expand }, { user, ask }),
      );
  await asking.end();
  await problems('inspect the triggers', () => triggerProblems(pool));
  if (channels)
    await attempt('inspect the channels', () => inspectChannels(pool, channels, handlers, inspected));
  await problems('listen', () => inspectListening(pool, hosts));
  await attempt('inspect the root', () => inspectRootOf(pool, root, handlers, inspected.seen));
  const tables = ['uncached.log', 'listen_for', ...queues];
  await notices('inspect the schemas', () => inspectSchemas(pool, tables));
  await notices('inspect the owners', () => inspectOwners(pool, tables));
  await notices('inspect synchronous_commit', () => commitNotices(pool));
  return found;
}

async function inspectListening(pool: Pool, hosts: Hosts): Promise<string[]> {
  const who = describeConnection(hosts.current());
  try {
    if (await canReceive(pool, hosts)) return [];
    return [
      `${who}: a test notification did not arrive: this is a pooler in transaction or statement mode; connect to PostgreSQL itself`,
    ];
  } catch (error) {
    // A standby has been reported already.
    return errorCode(error) === '25006' ? [] : [withAdvice(who, error).message];
  }
}
