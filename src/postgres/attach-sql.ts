import { createHash } from 'node:crypto';
import { quoteIdentifier, quoteLiteral, showIdentifier } from './identifier.ts';

/** A table that is to be attached; names as the catalog has them, if nothing else is said. */
export interface Attachment {
  /** Qualified and quoted. */
  readonly table: string;
  /** Those below it that need triggers of their own; qualified and quoted. */
  readonly children: readonly string[];
  readonly queue: { readonly schema: string; readonly table: string };
  readonly key: readonly KeyColumn[];
  /** An existing queue table may have no `id`. */
  readonly lockColumn: string;
  readonly channel: string;
  readonly handler: string;
  /** Qualified and quoted. */
  readonly listenFor: string;
  readonly byStatement: boolean;
  /** Empty: each update counts. */
  readonly updateOf: readonly string[];
  /** SQL. */
  readonly when?: string;
  /** null is PUBLIC. */
  readonly roles: readonly (string | null)[];
  /** Of these and uncached, those that may not use the schema of the queue table yet. */
  readonly withoutUsage: readonly (string | null)[];
  /** Triggers of an earlier form. */
  readonly replaced: readonly { readonly table: string; readonly name: string }[];
}

export interface KeyColumn {
  readonly name: string;
  readonly source: string;
  readonly sourceType: string;
  /** Of the queue table's column. */
  readonly type: string;
}

/** One transaction, for psql; safe to repeat. */
export function attachSql(attachment: Attachment): string {
  const { table, children, queue, key, channel, handler, listenFor, replaced } = attachment;
  return [
    `-- Attaches ${table}: a change of a row enqueues its key into ${queueName(queue)}. Safe to repeat.`,
    ...beginning,
    queueTable(queue, key),
    ...grants(attachment),
    `INSERT INTO ${listenFor} (name, script_name) SELECT ${quoteLiteral(channel)}, ${quoteLiteral(handler)}\n  WHERE NOT EXISTS (SELECT FROM ${listenFor} WHERE name = ${quoteLiteral(channel)});`,
    ...replaced.map((old) => `DROP TRIGGER IF EXISTS ${quoteIdentifier(old.name)} ON ${old.table};`),
    ...[table, ...children].flatMap((one) => triggers(one, attachment)),
    'COMMIT;',
    '',
  ].join('\n\n');
}

/**
 * psql has the encoding of the server where it reads a pipe, and a search_path in which another's operator may fit
 * better than PostgreSQL's own (sql/0-begin.sql).
 */
export const beginning: readonly string[] = [
  'BEGIN;',
  `SET TRANSACTION ISOLATION LEVEL READ COMMITTED;\nSET LOCAL search_path = pg_catalog, pg_temp;\nSET LOCAL standard_conforming_strings = on;\nSET LOCAL client_encoding = 'UTF8';`,
];

export const queueName = ({ schema, table }: Attachment['queue']) =>
  `${quoteIdentifier(schema)}.${quoteIdentifier(table)}`;

/** See sql/3-assert.sql. */
function queueTable(queue: Attachment['queue'], key: readonly KeyColumn[]): string {
  const names = key.map(({ name }) => quoteIdentifier(name));
  return [
    `CREATE TABLE IF NOT EXISTS ${queueName(queue)} (`,
    '  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,',
    ...key.map(({ name, type }) => `  ${quoteIdentifier(name)} ${type},`),
    '  date_added timestamptz NOT NULL DEFAULT clock_timestamp(),',
    '  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),',
    `  UNIQUE (xid, ${names.join(', ')})`,
    ') WITH (autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_scale_factor = 0);',
  ].join('\n');
}

function grants({ queue, key, lockColumn, roles, withoutUsage }: Attachment): string[] {
  const columns = key.map(({ name }) => quoteIdentifier(name)).join(', ');
  const name = queueName(queue);
  return [
    ...withoutUsage.map(
      (role) => `GRANT USAGE ON SCHEMA ${quoteIdentifier(queue.schema)} TO ${grantee(role)};`,
    ),
    `GRANT SELECT, DELETE, UPDATE (${quoteIdentifier(lockColumn)}) ON ${name} TO uncached;`,
    ...roles.map((role) => `GRANT SELECT, INSERT (${columns}) ON ${name} TO ${grantee(role)};`),
  ];
}

const grantee = (role: string | null) => (role === null ? 'PUBLIC' : quoteIdentifier(role));

function triggers(table: string, attachment: Attachment): string[] {
  const { queue, key, channel, byStatement, updateOf, when } = attachment;
  const names = triggerNames(queue.table);
  const args = [
    `${showIdentifier(queue.schema)}.${showIdentifier(queue.table)}`,
    channel,
    ...key.map(({ name, source }) =>
      name === source ? showIdentifier(name) : `${showIdentifier(name)}=${showIdentifier(source)}`,
    ),
  ];
  const create = (name: string, event: string, level: string) =>
    `CREATE OR REPLACE TRIGGER ${quoteIdentifier(name)} AFTER ${event} ON ${table}\n  ${level}\n  EXECUTE FUNCTION uncached.enqueue(${args.map(quoteLiteral).join(', ')});`;
  if (byStatement) {
    const old = 'OLD TABLE AS old_rows';
    const changed = 'NEW TABLE AS new_rows';
    return [
      create(names.insert, 'INSERT', `REFERENCING ${changed} FOR EACH STATEMENT`),
      create(names.update, 'UPDATE', `REFERENCING ${old} ${changed} FOR EACH STATEMENT`),
      create(names.delete, 'DELETE', `REFERENCING ${old} FOR EACH STATEMENT`),
    ];
  }
  const update = updateOf.length > 0 ? `UPDATE OF ${updateOf.map(quoteIdentifier).join(', ')}` : 'UPDATE';
  if (when === undefined) return [create(names.row, `INSERT OR DELETE OR ${update}`, 'FOR EACH ROW')];
  // By the bytes: citext takes Port and port for equal. The condition may end in a comment.
  const [before, after] = ['OLD', 'NEW'].map(
    (row) => `ROW(${key.map(({ source }) => `${row}.${quoteIdentifier(source)}`).join(', ')})`,
  );
  return [
    create(names.row, 'INSERT OR DELETE', 'FOR EACH ROW'),
    create(
      names.when,
      update,
      `FOR EACH ROW WHEN (NOT record_image_eq(${before}, ${after}) OR (${when}\n  ))`,
    ),
  ];
}

/** The triggers of a table that fill this queue table, by what they are for. */
export function triggerNames(queue: string): Record<'row' | 'when' | 'insert' | 'update' | 'delete', string> {
  const name = (suffix: string) => {
    const full = `uncached_${queue}${suffix}`;
    if (Buffer.byteLength(full) <= 63) return full;
    // PostgreSQL would cut it, and the names of two triggers could become one.
    const mark = createHash('sha256').update(queue).digest('hex').slice(0, 8);
    return `uncached_${mark}${suffix}`;
  };
  return {
    row: name(''),
    when: name('_when'),
    insert: name('_insert'),
    update: name('_update'),
    delete: name('_delete'),
  };
}
