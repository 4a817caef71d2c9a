import type { Handler } from '../clearing/handler.ts';
import type { Inspected } from '../config/load.ts';
import { type ChannelBinding, usableBindings } from '../core/contracts.ts';
import { didYouMean } from '../core/suggest.ts';
import { channelNotices } from '../postgres/channels.ts';
import type { Pool } from '../postgres/pool.ts';
import type { Findings } from './findings.ts';

/** Checks whether each handler is woken, and whether each channel wakes one. */
export async function inspectChannels(
  pool: Pool,
  listened: readonly ChannelBinding[],
  handlers: ReadonlyMap<string, Handler>,
  inspected: Inspected,
): Promise<Findings> {
  const problems = listened.length > 0 ? channelProblems : noChannels;
  const notices = await channelNotices(pool);
  if (inspected.draft?.daemon.listens === false) notices.push(...deafHandlers(listened, handlers));
  return { problems: problems(listened, handlers, inspected), notices };
}

/** Nothing but a notification wakes them. What another daemon hears comes by the log. */
function deafHandlers(listened: readonly ChannelBinding[], handlers: ReadonlyMap<string, Handler>): string[] {
  const woken = usableBindings(listened).map(({ handler }) => handler);
  return [...handlers.values()]
    .filter(({ name, queue }) => queue === undefined && woken.includes(name))
    .map(
      ({ name }) =>
        `[handler.${name}] has no queue, so that only notifications wake it, and with listen = no this daemon hears none: let another daemon of this database listen, or give the handler a queue`,
    );
}

/** Right after the installation: one line says what to do next, not one for each handler. */
function noChannels(
  _: readonly ChannelBinding[],
  handlers: ReadonlyMap<string, Handler>,
  inspected: Inspected,
): string[] {
  const unwoken = withoutChannel([], handlers, inspected);
  const rows = (unwoken.length > 0 ? unwoken : [...handlers.keys()]).map((name) => `('CHANNEL', '${name}')`);
  return [
    `listen_for is empty: no notification wakes a handler, and entries wait for the next sweep: say for each handler which channel your triggers notify: INSERT INTO listen_for (name, script_name) VALUES ${rows.join(', ')}`,
  ];
}

function channelProblems(
  listened: readonly ChannelBinding[],
  handlers: ReadonlyMap<string, Handler>,
  inspected: Inspected,
): string[] {
  const channels = usableBindings(listened);
  const unusable = listened.flatMap(({ problem }) => problem ?? []);
  const strangers = channels
    .filter(({ handler }) => !handlers.has(handler) && !inspected.disabled.has(handler))
    .map(
      ({ channel, handler }) =>
        `listen_for: channel ${channel} asks for the handler "${handler}", which is not configured${didYouMean(handler, handlers.keys())}: correct its script_name, add a section [handler.${handler}], or, if no other daemon has that handler, DELETE FROM listen_for WHERE script_name = '${handler.replaceAll("'", "''")}'`,
    );
  const unwoken = withoutChannel(channels, handlers, inspected).map(
    (name) =>
      `[handler.${name}] is never woken: no row of listen_for has the script_name "${name}": INSERT INTO listen_for (name, script_name) VALUES ('CHANNEL', '${name}')`,
  );
  return [...unusable, ...strangers, ...unwoken];
}

/** The handlers that neither a channel nor another handler wakes. */
function withoutChannel(
  channels: readonly ChannelBinding[],
  handlers: ReadonlyMap<string, Handler>,
  { implied }: Inspected,
): string[] {
  const followed = [...handlers.values()].flatMap((handler) => handler.followers);
  return [...handlers.keys()]
    .filter((name) => !followed.includes(name) && !implied.includes(name))
    .filter((name) => !channels.some(({ handler }) => handler === name));
}
