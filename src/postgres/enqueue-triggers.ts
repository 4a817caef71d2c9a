import type { ChannelBinding } from '../core/contracts.ts';
import { channelsOf } from '../core/contracts.ts';
import { didYouMean } from '../core/suggest.ts';
import { parseName, type WrittenName } from './function-source.ts';
import { quoteLiteral } from './identifier.ts';
import { isAmong, type ServedTable, serves } from './served-tables.ts';
import type { Trigger } from './trigger-list.ts';

/**
 * Triggers that call uncached.enqueue(), whose arguments say what they do: finds those that fill or wake the
 * wrong table or channel.
 */
export function enqueueProblems(
  triggers: readonly Trigger[],
  {
    served,
    elsewhere,
    listened = [],
    isConfigured,
  }: {
    readonly served: readonly ServedTable[];
    /** Queue tables of other daemons. */
    readonly elsewhere: readonly Required<WrittenName>[];
    readonly listened: readonly ChannelBinding[] | undefined;
    readonly isConfigured: (handler: string) => boolean;
  },
): string[] {
  const enqueuing = triggers.filter(({ enqueues, args }) => enqueues && args.length >= 3);
  return enqueuing.flatMap((trigger) => {
    const [written = '', channel = ''] = trigger.args;
    const queue = parseName(written);
    const its = queue ? served.filter((one) => serves(one, queue)) : [];
    const what = `trigger ${trigger.name} on ${trigger.table}`;
    if (its.length === 0 && queue && isAmong(elsewhere, queue)) return [];
    if (its.length === 0) {
      const near = didYouMean(
        written,
        served.flatMap(({ table, members }) => [table, ...members.map(({ name }) => name)]),
      );
      return [
        `${what} fills ${written}, which is the queue of no handler: nobody clears for its entries: name the queue of a handler in the trigger, or add a handler with this one${near}`,
      ];
    }
    const heard = foldChannel(channel);
    // If two handlers have one queue, which is reported elsewhere, the channel of either is right.
    const wrong = its.some(({ channels }) => channels?.includes(heard)) ? [] : its;
    return [
      ...wrong.flatMap((one) => wrongChannel(what, heard, one, { listened, isConfigured })),
      ...unnamedKey(trigger, what, enqueuing),
    ];
  });
}

function wrongChannel(
  what: string,
  channel: string,
  { handler, table, channels }: ServedTable,
  {
    listened,
    isConfigured,
  }: { listened: readonly ChannelBinding[]; isConfigured: (handler: string) => boolean },
): string[] {
  if (channel === '' || channels === undefined || channels.includes(channel)) return [];
  const [other] = listened.filter((one) => channelsOf(one).includes(channel)).map((one) => one.handler);
  const stranger = other !== undefined && !isConfigured(other);
  const wakes = other === undefined ? 'wakes nobody' : `wakes [handler.${other}]`;
  return [
    `${what} fills ${table}, the queue of [handler.${handler}], and notifies the channel "${channel}", which ${wakes}${stranger ? ', which is not configured' : ''}: ` +
      `its entries wait for the next sweep: ${remedy()}`,
  ];

  /** A channel is in listen_for once, and that of another handler belongs to it. */
  function remedy(): string {
    const [own] = channels ?? [];
    const insert = (name: string) =>
      `INSERT INTO listen_for (name, script_name) VALUES (${quoteLiteral(name)}, ${quoteLiteral(handler)})`;
    if (own !== undefined)
      return `name the channel ${own} in the trigger${other === undefined ? `, or ${insert(channel)}` : ''}`;
    if (other === undefined) return insert(channel);
    return stranger
      ? `UPDATE listen_for SET script_name = ${quoteLiteral(handler)} WHERE script_name = ${quoteLiteral(other)}`
      : `${insert('CHANNEL')}, and name that in the trigger`;
  }
}

/** UPDATE OF leaves out a column of the key, and no other trigger on that table has it for that queue. */
function unnamedKey(trigger: Trigger, what: string, all: readonly Trigger[]): string[] {
  if (!trigger.updates || trigger.updateOf.length === 0) return [];
  const same = all.filter(
    ({ table, args, updates }) => updates && table === trigger.table && args[0] === trigger.args[0],
  );
  if (same.some(({ updateOf }) => updateOf.length === 0)) return [];
  const seen = same.flatMap(({ updateOf, follows }) => [...updateOf, ...follows]);
  const missed = trigger.args
    .slice(2)
    .flatMap((arg) => parseName(arg.replace(/^ *(?:[^"=]+|"(?:[^"]|"")+") *=(?=.)/, ''))?.name ?? [])
    .filter((column) => !seen.includes(column));
  if (missed.length === 0) return [];
  return [
    `${what} fires for UPDATE OF ${trigger.updateOf.join(', ')}, and not for a change of ${missed.join(', ')}, which is in the key: name it there, too, or leave OF away`,
  ];
}

/** As uncached.enqueue() does it: lower case in ASCII, and cut to the 63 bytes of a name. */
export function foldChannel(channel: string): string {
  let folded = channel.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
  while (Buffer.byteLength(folded) > 63) folded = [...folded].slice(0, -1).join('');
  return folded;
}
