import { safe } from 'ini';
import { type Configuration, formatAddress } from '../core/configuration.ts';
import { formatDuration } from './values.ts';

type Value = string | number | undefined;

/** A configuration as an INI file that loads to the same value, but for the password, which is masked. */
export function format({ file, database, cache, daemon, http, handlers }: Configuration): string {
  const { password, port, ...connection } = database;
  return [
    `; the configuration in ${file}, as uncached understands it`,
    section('database', {
      ...connection,
      port: port?.join(','),
      password: password === undefined ? undefined : '********',
    }),
    section('cache', { root: cache.root, settle: formatDuration(cache.settleMs) }),
    section('daemon', {
      sweep: formatDuration(daemon.sweepMs),
      heartbeat: formatDuration(daemon.heartbeatMs),
      batch: daemon.batch,
      log: daemon.log,
    }),
    section('http', { listen: http.listen && formatAddress(http.listen) }),
    ...handlers.map(({ name, queue, clear, followers, run }) =>
      section(`handler.${name}`, { queue, 'clear[]': clear, 'then[]': followers, run }),
    ),
  ].join('\n');
}

function section(name: string, options: Readonly<Record<string, Value | readonly string[]>>): string {
  const lines = Object.entries(options).flatMap(([option, value]) =>
    [value].flat().flatMap((one) => (one === undefined ? [] : [`${option} = ${safe(String(one))}`])),
  );
  return `[${name}]\n${lines.join('\n')}\n`;
}
