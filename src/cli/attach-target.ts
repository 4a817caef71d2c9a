import { type ChannelBinding, channelsOf } from '../core/contracts.ts';
import { UsageError } from '../core/errors.ts';
import { isPrintable } from '../core/printable-text.ts';
import type { Pool } from '../postgres/pool.ts';
import { findNamed, type Relation } from '../postgres/relation.ts';
import { tableNames } from '../postgres/site-names.ts';
import { readWritten, unknownName } from './written-names.ts';

/** Finds the table that the operator wrote as in SQL. Throws a UsageError. */
export async function findTable(pool: Pool, written: string): Promise<Relation> {
  const found = (await findNamed(pool, readWritten(written))) ?? (await findNamed(pool, { name: written }));
  if (!found) {
    const { schema, name } = readWritten(written);
    const all = await tableNames(pool);
    const elsewhere = all.find((one) => one.name === name)?.shown;
    throw new UsageError([
      elsewhere === undefined
        ? unknownName(
            'there is no table',
            written,
            all.map((one) => one.name),
          )
        : `there is no table ${schema === undefined ? name : `${schema}.${name}`} in the search_path: write ${elsewhere}`,
    ]);
  }
  if (!['r', 'p'].includes(found.kind))
    throw new UsageError([
      `${found.name} is no table${found.kind === 'v' || found.kind === 'm' ? ', but a view: attach the tables that it reads' : ''}`,
    ]);
  if (!isPrintable(found.name))
    throw new UsageError([`${found.name} has a character in its name that cannot be printed: rename it`]);
  return found;
}

/** NAMEDATALEN */
export const longestName = 63;

/** The queue table of a handler, if none is named. */
export const queueOf = (handler: string) => `cache_clearing_${handler.replace(/[^\p{L}\p{N}_]+/gu, '_')}`;

/** The channel that wakes the handler: the one that is named, its own, or a new one. */
export function chooseChannel(
  handler: string,
  wanted: string | undefined,
  bindings: readonly ChannelBinding[],
): { channel: string; problems: string[] } {
  const own = bindings.find((one) => one.handler === handler && one.problem === undefined)?.channel;
  const channel = (wanted ?? own ?? `${handler}_updated`).replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  const woken = bindings.find((one) => channelsOf(one).includes(channel));
  const problems: string[] = [];
  if (woken && woken.handler !== handler)
    problems.push(
      `the channel ${channel} wakes [handler.${woken.handler}], by listen_for: choose another with --channel, or name that handler with --handler`,
    );
  if (channel.trim() !== channel || channel === '' || !isPrintable(channel))
    problems.push(`"${channel}" cannot be a channel: choose another with --channel`);
  if (Buffer.byteLength(channel) > longestName)
    problems.push(
      `the channel ${channel} is longer than ${longestName} bytes: choose another with --channel`,
    );
  return { channel, problems };
}
