import { hasBytes } from '../core/bytes.ts';
import type { ChannelBinding } from '../core/contracts.ts';
import { withAdvice } from './advice.ts';
import { installHint } from './install-hint.ts';
import { jsonOf } from './json.ts';
import type { Pool } from './pool.ts';
import { findRelation, missing } from './relation.ts';

/**
 * `listen_for`: which handler each channel wakes. It includes rows whose name cannot be a channel, with the
 * reason.
 */
export async function readChannels(pool: Pool): Promise<ChannelBinding[]> {
  try {
    return (await readRows(pool)).map(toBinding);
  } catch (error) {
    throw withAdvice('Cannot read the channels from listen_for', error);
  }
}

/** Names that work, but probably not as intended. */
export async function channelNotices(pool: Pool): Promise<string[]> {
  return (await readRows(pool)).flatMap(({ id, name, handler, cut }) => {
    if (!name) return [];
    const row = `listen_for: the channel "${name}" of the row with id ${id}`;
    const update = (column: string, value: string) =>
      `has blanks at its ends: UPDATE listen_for SET ${column} = '${value.replaceAll("'", "''")}' WHERE id = ${id}`;
    return [
      ...(name.trim() === '' ? [`${row} is nothing but blanks: correct the row, or delete it`] : []),
      ...(['', name].includes(name.trim()) ? [] : [`${row} ${update('name', name.trim())}`]),
      ...(cut ? [`${row} is longer than 63 bytes: NOTIFY cuts it, and pg_notify() refuses it`] : []),
      ...(handler && handler.trim() !== handler
        ? [
            `listen_for: the script_name "${handler}" of the row with id ${id} ${update('script_name', handler.trim())}`,
          ]
        : []),
    ];
  });
}

interface Row {
  readonly id: number | string;
  readonly name: string | null;
  readonly handler: string | null;
  readonly cut: boolean | null;
  /** The channel of `NOTIFY "name"` and of pg_notify. */
  readonly quoted: string | null;
  /** The channel of `NOTIFY name`, where that can be written. */
  readonly unquoted: string | null;
}

/**
 * What PostgreSQL accepts as an identifier without quotes, with blanks around it: every character that is not
 * ASCII counts as a letter.
 */
const identifier = String.raw`^[ \t\n\r\f]*[^\x01-\x40\x5B-\x5E\x60\x7B-\x7F][^\x01-\x23\x25-\x2F\x3A-\x40\x5B-\x5E\x60\x7B-\x7F]*[ \t\n\r\f]*$`;

/**
 * Which letters are folded and where a name is cut depends on the encoding and the locale of the database, so
 * the server computes it. A name that it cannot convert to UTF-8 comes as bytes, and does not affect the
 * others.
 */
async function readRows(pool: Pool): Promise<Row[]> {
  const table = await findRelation(pool, 'listen_for');
  if (!table) throw await missing(pool, 'listen_for', { remedy: await installHint(pool) });
  const json = await jsonOf(pool);
  const list = `
    SELECT json_agg(json_build_object(
             'id', id, 'name', name, 'handler', script_name,
             'cut', octet_length(name) > octet_length(name::name::text), 'quoted', name::name,
             'unquoted', CASE WHEN name ~ $1 THEN (parse_ident(name)::name[])[1] END) ORDER BY id)
    FROM (SELECT id, name::text, script_name::text FROM ${table.name}) AS listed`;
  const { rows } = await pool.query<{ list: unknown }>(`SELECT ${json.send(`(${list})`)} AS list`, [
    identifier,
  ]);
  return (await json.read<Row[] | null>(rows[0]?.list ?? null)) ?? [];
}

function toBinding({ id, name, handler, quoted, unquoted }: Row): ChannelBinding {
  const row = `listen_for: the row with id ${id}${handler ? `, for the handler ${handler},` : ''}`;
  const whatToDo = 'correct the row, or delete it';
  const problem = (what: string): ChannelBinding => ({
    channel: '',
    handler: handler ?? '',
    problem: `${row} ${what}: ${whatToDo}`,
  });
  if (!name) return problem('has an empty name, which no notification can have');
  if (!handler) return problem(`has no script_name, so that the channel ${name} wakes nobody`);
  const [channel, also] = [...new Set([unquoted, quoted])].filter((one) => one !== null && !hasBytes(one));
  if (!channel) return problem('has a name with bytes that are no text in the encoding of the database');
  return { channel, handler, ...(also && { also }) };
}
