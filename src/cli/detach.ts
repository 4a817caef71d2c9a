import { type ChannelBinding, channelsOf } from '../core/contracts.ts';
import { UsageError } from '../core/errors.ts';
import { queueName } from '../postgres/attach-sql.ts';
import { readChannels } from '../postgres/channels.ts';
import { type Detachment, detachSql } from '../postgres/detach-sql.ts';
import { foldChannel } from '../postgres/enqueue-triggers.ts';
import { parseName } from '../postgres/function-source.ts';
import type { Pool } from '../postgres/pool.ts';
import { findNamed } from '../postgres/relation.ts';
import { readSourceTable } from '../postgres/source-table.ts';
import type { Trigger } from '../postgres/trigger-list.ts';
import { draftOf, readInstallation, withDatabase } from './administrator.ts';
import { findTable } from './attach-target.ts';
import { fills } from './attach-triggers.ts';
import { findings } from './findings.ts';
import { complain, print } from './output.ts';
import { readWritten } from './written-names.ts';

interface Plan {
  readonly detachment: Detachment;
  /** What is not removed, and what is left to do. */
  readonly remarks: readonly string[];
}

/** Prints the SQL that undoes `attach`; changes nothing itself. */
export async function detach(
  given: string | undefined,
  table: string,
  options: { queue?: string },
): Promise<number> {
  const draft = draftOf(given);
  const { found, attempt } = findings();
  let plan: Plan | undefined;
  await attempt('read the database', async () => {
    plan = await withDatabase(draft, (pool) => planDetachment(pool, table, options.queue));
    return {};
  });
  for (const problem of found.problems) complain(problem);
  if (!plan) return 1;
  print(detachSql(plan.detachment));
  for (const remark of plan.remarks) complain(remark);
  const handlers = new Set(plan.detachment.channels.map(({ handler }) => handler));
  for (const name of draft ? handlers : [])
    if (draft?.handlers.some((one) => one.name === name))
      complain(`next: remove [handler.${name}] from ${draft.file}, and reload the daemon (SIGHUP)`);
  return 0;
}

async function planDetachment(pool: Pool, written: string, wanted: string | undefined): Promise<Plan> {
  const { listenFor, triggers, mentions } = await readInstallation(pool);
  const relation = await findTable(pool, written);
  const { children } = await readSourceTable(pool, relation);
  const tables = [relation.name, ...children.map(({ name }) => name)];
  const only = wanted === undefined ? undefined : await resolve(pool, readWritten(wanted), relation.schema);
  const ours = triggers.filter(
    (trigger) =>
      trigger.enqueues && tables.includes(trigger.table) && (only === undefined || fills(trigger, only)),
  );
  if (ours.length === 0)
    throw new UsageError([
      `no trigger of ${relation.name} calls uncached.enqueue${only ? ` for ${queueName(only)}` : ''}: nothing is attached`,
    ]);
  const others = triggers.filter((trigger) => !ours.includes(trigger));
  const bindings = await readChannels(pool);
  const queues: string[] = [];
  const channels: { channel: string; handler: string }[] = [];
  const remarks: string[] = [];
  for (const queueArgument of new Set(ours.map(({ args: [first = ''] }) => first))) {
    const name = parseName(queueArgument);
    if (!name) continue;
    const queue = await resolve(pool, name, relation.schema);
    const user = others.find((one) => fills(one, queue) || one.source.mentions(queue.table));
    const shown = queueName(queue);
    if (user || mentions(queue.table)) {
      const who = user ? `the trigger ${user.name} on ${user.table}` : 'a function';
      remarks.push(`${shown} and its channel are kept: ${who} uses it`);
      continue;
    }
    queues.push(shown);
    const own = ours.filter(({ args: [first] }) => first === queueArgument);
    for (const unused of unusedChannels(own, others, bindings, mentions)) channels.push(unused);
  }
  return {
    detachment: {
      table: relation.name,
      triggers: ours.map(({ table, name }) => ({ table, name })),
      queues,
      channels,
      listenFor: listenFor.name,
    },
    remarks,
  };
}

/** Rows of listen_for for the channels that these triggers notify, and nobody else. */
function unusedChannels(
  own: readonly Trigger[],
  others: readonly Trigger[],
  bindings: readonly ChannelBinding[],
  mentions: (name: string) => boolean,
): { channel: string; handler: string }[] {
  const notified = [...new Set(own.map(({ args: [, channel = ''] }) => foldChannel(channel)))];
  return notified.flatMap((channel) => {
    const binding = bindings.find((one) => channelsOf(one).includes(channel));
    const isUsed = others.some(({ source }) => source.mentions(channel)) || mentions(channel);
    return binding && !isUsed ? [{ channel, handler: binding.handler }] : [];
  });
}

async function resolve(
  pool: Pool,
  name: { schema?: string; name: string },
  schema: string,
): Promise<{ schema: string; table: string }> {
  const found = name.schema === undefined ? await findNamed(pool, name) : undefined;
  return { schema: name.schema ?? found?.schema ?? schema, table: name.name };
}
