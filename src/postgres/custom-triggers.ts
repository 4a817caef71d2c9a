import type { WrittenName } from './function-source.ts';
import type { Pool } from './pool.ts';
import { type ServedTable, serves } from './served-tables.ts';
import type { Trigger } from './trigger-list.ts';

/**
 * Triggers that the site wrote itself. What they do is known only from the text of their functions, so these
 * are notices. If a function builds its statements at run time, or leaves something to another one, nothing
 * is reported.
 */
export async function customTriggerNotices(
  pool: Pool,
  triggers: readonly Trigger[],
  served: readonly ServedTable[],
): Promise<string[]> {
  const written = triggers.filter(({ enqueues }) => !enqueues);
  const enabled = written.filter((one) => one.enabled);
  return [
    ...new Set([
      ...written.filter((one) => !one.enabled).flatMap((trigger) => switchedOff(trigger, served)),
      ...enabled.flatMap((trigger) => wrongChannel(trigger, triggers, served)),
      ...(await wrongTables(pool, enabled, triggers, served)),
    ]),
  ];
}

const mentions = ({ source, notifies }: Trigger, { members }: ServedTable) =>
  !notifies && members.some(({ name }) => source.mentions(name));
const wakes = ({ source }: Trigger, channels: readonly string[]) =>
  channels.some((channel) => source.mentions(channel));
/** What one trigger leaves out, another on the same table may do. */
const onTheSameTable = (trigger: Trigger, triggers: readonly Trigger[]) =>
  triggers.filter(({ table, enabled }) => enabled && table === trigger.table);

function switchedOff(trigger: Trigger, served: readonly ServedTable[]): string[] {
  const { name, table } = trigger;
  const its = served.filter((one) => mentions(trigger, one)).map((one) => one.table);
  if (its.length === 0) return [];
  return [
    `trigger ${name} on ${table} is switched off, and its function ${trigger.function} mentions ${its.join(', ')}: changes may not be seen: ` +
      `ALTER TABLE ${table} ENABLE TRIGGER ${name}, or drop it if another does its work`,
  ];
}

function wrongChannel(
  trigger: Trigger,
  triggers: readonly Trigger[],
  served: readonly ServedTable[],
): string[] {
  const notified = trigger.source.channels();
  if (notified === undefined || notified.length === 0) return [];
  const names = trigger.source.inserts();
  return served
    .filter((one) => names.some((name) => serves(one, name)))
    .flatMap(({ handler, table, channels = [] }) => {
      if (channels.length === 0 || onTheSameTable(trigger, triggers).some((one) => wakes(one, channels)))
        return [];
      return [
        `${its(trigger)} seems to notify the wrong channel: it inserts into ${table} and notifies ${notified.join(', ')}, and listen_for has ${channels.join(', ')} for [handler.${handler}]: entries wait for the next sweep`,
      ];
    });
}

/** A table counts as a queue in the wrong schema if it has every column of the key. */
async function wrongTables(
  pool: Pool,
  enabled: readonly Trigger[],
  triggers: readonly Trigger[],
  served: readonly ServedTable[],
): Promise<string[]> {
  const suspects = enabled.flatMap((trigger) => {
    const notified = trigger.source.channels() ?? [];
    const names = trigger.source.inserts().filter((name) => !served.some((one) => serves(one, name)));
    if (notified.length === 0 || names.length === 0) return [];
    return served
      .filter(
        ({ channels = [], columns }) => columns.length > 0 && notified.some((one) => channels.includes(one)),
      )
      .filter((one) => !onTheSameTable(trigger, triggers).some((other) => mentions(other, one)))
      .map((one) => ({ trigger, one, names }));
  });
  const tables = await tablesNamed(
    pool,
    suspects.flatMap(({ names }) => names),
  );
  return suspects.flatMap(({ trigger, one, names }) => {
    const alike = tables.filter(
      ({ schema, name, columns }) =>
        names.some((given) => given.name === name && (given.schema ?? schema) === schema) &&
        one.columns.every((column) => columns.includes(column)),
    );
    if (alike.length === 0) return [];
    return [
      `${its(trigger)} seems to fill the wrong table: it inserts into ${alike.map(({ shown }) => shown).join(', ')} and wakes [handler.${one.handler}], whose queue is ${one.table}`,
    ];
  });
}

interface Named extends Required<WrittenName> {
  readonly shown: string;
  readonly columns: readonly string[];
}

async function tablesNamed(pool: Pool, names: readonly WrittenName[]): Promise<Named[]> {
  if (names.length === 0) return [];
  const { rows } = await pool.query<Named>(
    `SELECT n.nspname AS schema, c.relname AS name, format('%I.%I', n.nspname, c.relname) AS shown,
            (SELECT json_agg(attname) FROM pg_attribute WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped) AS columns
     FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
     WHERE c.relname = ANY ($1::name[]) AND c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg\\_temp\\_%' ORDER BY 3`,
    [names.map(({ name }) => name)],
  );
  return rows;
}

function its({ name, table, function: called }: Trigger): string {
  return `trigger ${name} on ${table}: its function ${called}`;
}
