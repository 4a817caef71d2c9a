import { randomBytes } from 'node:crypto';
import type { Log } from './core/consumer-contract.ts';
import type { Queue } from './core/contracts.ts';
import type { DaemonRegistry } from './core/daemon-registry.ts';
import type { Observe } from './core/events.ts';
import type { Holding } from './core/holding.ts';
import { type Timings, usualTimings } from './core/timings.ts';
import type { LoadedAll } from './load-all.ts';
import { listHolding } from './postgres/barrier.ts';
import { connectionConfigs } from './postgres/connection.ts';
import { openDaemonTable } from './postgres/daemon-table.ts';
import { type Hosts, openHosts } from './postgres/hosts.ts';
import { openLog } from './postgres/log.ts';
import { openPools, type Pool } from './postgres/pool.ts';
import { openQueue } from './postgres/queue.ts';
import { openSharing } from './postgres/shared-queues.ts';

/**
 * What of the composition concerns the database alone. `status`, which monitors run every minute, needs no
 * more, and loads no more.
 */
export interface Database {
  /** Names the daemon in its sessions, and as the owner of consumers. */
  readonly owner: string;
  readonly user: string;
  readonly hosts: Hosts;
  readonly pool: Pool;
  readonly asking: Pool;
  /** The handlers that have a queue table. */
  readonly named: readonly { readonly handler: string; readonly queue: string }[];
  readonly queues: ReadonlyMap<string, Queue>;
  /** The queues whose entries wait for disabled handlers. */
  readonly disabledQueues: ReadonlyMap<string, Queue>;
  readonly log: Log;
  /** What holds announcements; undefined where the barrier is not installed. */
  holding(): Promise<Holding[] | undefined>;
  /** The reports of daemons about themselves. */
  daemons(observe: Observe): DaemonRegistry;
  end(): Promise<unknown>;
}

export interface DatabaseOutside {
  readonly timings?: Timings | undefined;
  readonly pools?: typeof openPools | undefined;
  /** Connections, for what only looks; a daemon needs more (postgres/connection-count.ts). */
  readonly most?: number | undefined;
}

export function openDatabase(
  { configuration, handlers, disabled }: LoadedAll,
  { timings = usualTimings, pools = openPools, most }: DatabaseOutside = {},
): Database {
  const owner = randomBytes(8).toString('hex');
  const connections = connectionConfigs(configuration.database, { owner, timings: timings.database });
  const hosts = openHosts(connections, timings.database);
  const named = [...handlers.values()].flatMap(({ name, queue }) =>
    queue === undefined ? [] : [{ handler: name, queue }],
  );
  const { pool, claims, asking, end } = pools(hosts, { queues: named.length, most });
  const user = hosts.current().user ?? '';
  const shared = openSharing(claims, named);
  const queues = new Map(
    [...handlers.values()].flatMap(({ name: handler, queue, columns, required }) =>
      queue === undefined
        ? []
        : [[handler, openQueue(claims, { handler, queue, columns, required, user, owner, shared })] as const],
    ),
  );
  const disabledQueues = new Map(
    [...disabled].flatMap(([handler, { queue }]) =>
      queue === undefined
        ? []
        : [[handler, openQueue(claims, { handler, queue, columns: [], user, owner })] as const],
    ),
  );
  const silentMs = configuration.daemon.heartbeatMs * timings.missedHeartbeats;
  return {
    owner,
    user,
    hosts,
    pool,
    asking,
    named,
    queues,
    disabledQueues,
    log: openLog(pool),
    holding: () => listHolding(pool),
    daemons: (observe) =>
      openDaemonTable({
        pool,
        owner,
        silentMs,
        onMissing: (text) => observe({ kind: 'notice', text }),
      }),
    end,
  };
}
