import type { Handler } from '../clearing/handler.ts';
import { type ChannelBinding, channelsOf, usableBindings } from '../core/contracts.ts';
import { AdvisedError, withAdvice } from '../postgres/advice.ts';
import { inspectBarrier } from '../postgres/barrier-problems.ts';
import { ageNotices } from '../postgres/entry-age.ts';
import { orderNotices, otherZones, sessionZone } from '../postgres/inspections.ts';
import type { Pool } from '../postgres/pool.ts';
import { inspectProducers } from '../postgres/producers.ts';
import { publicationProblems } from '../postgres/publications.ts';
import { queueColumns } from '../postgres/queue-columns.ts';
import { findQueueTable, type QueueTable, queueProblems } from '../postgres/queue-table.ts';
import { findRelations } from '../postgres/relation.ts';
import { servedTables } from '../postgres/served-tables.ts';
import { sharedQueues } from '../postgres/shared-queues.ts';
import { dateFormats } from './check-date-formats.ts';
import { type Findings, findings } from './findings.ts';

/** A handler with its queue table. */
interface Queue {
  readonly handler: Handler;
  readonly queue: string;
  readonly table: QueueTable;
}

/**
 * What is wrong with the queue tables of the handlers, and with what fills them. One statement after the
 * other: another connection would cost more than they do.
 */
export async function inspectQueues(
  pool: Pool,
  user: string,
  handlers: ReadonlyMap<string, Handler>,
  listened: readonly ChannelBinding[] | undefined,
): Promise<Findings> {
  const { found, attempt } = findings();
  const looked = [];
  for (const handler of handlers.values()) looked.push(await lookUp(pool, user, handler));
  found.problems.push(...looked.flatMap(({ problems }) => problems));
  const queues = looked.flatMap(({ found: queue }) => queue ?? []);
  const oids = queues.map(({ table }) => table.oid);

  await attempt('compare the queue tables', async () => {
    const named = queues.map(({ handler, queue }) => ({ handler: handler.name, queue }));
    return { problems: (await sharedQueues(pool, named)).map(({ problem }) => problem) };
  });
  await attempt('inspect the columns of the queue tables', async () => {
    const columns = await queueColumns(pool, oids);
    const zone = await sessionZone(pool);
    for (const { handler, table } of queues) {
      const { problems, notices } = dateFormats(handler, columns.get(table.oid) ?? [], zone);
      found.problems.push(...problems);
      found.notices.push(...notices);
    }
    const zones = queues.some(({ table }) => table.zoneless) ? await otherZones(pool) : [];
    for (const { queue, table } of queues)
      await attempt(`inspect ${queue}`, async () => ({
        notices: [
          ...orderNotices(queue, table, zones),
          ...(await ageNotices(pool, queue, table, columns.get(table.oid) ?? [])),
        ],
      }));
    return {};
  });
  await attempt('inspect the publications', async () => {
    const own = await findRelations(pool, ['uncached.log', 'uncached.consumer', 'uncached.failing']);
    return {
      problems: await publicationProblems(pool, [...oids, ...own.flatMap((table) => table?.oid ?? [])]),
    };
  });
  await attempt('inspect what fills the queue tables', async () => {
    const heard = usableBindings(listened ?? []);
    const served = await servedTables(
      pool,
      queues.map(({ handler: { name, columns }, table }) => ({
        handler: name,
        columns: columns.filter((column) => table.columns.includes(column)),
        channels: listened && heard.filter((one) => one.handler === name).flatMap(channelsOf),
        table,
      })),
    );
    const barrier = await inspectBarrier(
      pool,
      queues.map(({ handler: { name }, table }) => ({ handler: name, table })),
      served,
    );
    const producers = await inspectProducers(pool, served, heard, (name) => handlers.has(name));
    return {
      problems: [...producers.problems, ...barrier.problems],
      notices: [...producers.notices, ...barrier.notices],
    };
  });
  return found;
}

async function lookUp(
  pool: Pool,
  user: string,
  handler: Handler,
): Promise<{ problems: string[]; found?: Queue }> {
  const { queue, required } = handler;
  if (queue === undefined) return { problems: [] };
  try {
    const table = await findQueueTable(pool, queue);
    return { problems: queueProblems(queue, table, required, user), found: { handler, queue, table } };
  } catch (error) {
    const { message } = error instanceof AdvisedError ? error : withAdvice(`Cannot inspect ${queue}`, error);
    return { problems: [message] };
  }
}
