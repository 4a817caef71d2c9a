import { type Configuration, formatAddress } from '../core/configuration.ts';
import { formatDuration } from './values.ts';

type Value = string | number | undefined;

/** A configuration as an INI file that loads to the same value, but for the password, which is masked unless asked for. */
export function format(
  { file, database, cache, daemon, http, handlers }: Configuration,
  { notices = [], showPassword = false }: { notices?: readonly string[]; showPassword?: boolean } = {},
): string {
  const { password, port, ...connection } = database;
  return [
    `; the configuration in ${file}, as uncached understands it`,
    ...(password === undefined || showPassword
      ? []
      : ['; the password is masked: --show-password prints it']),
    ...notices.map((notice) => `; notice: ${notice}`),
    section('database', {
      ...connection,
      port: port?.join(','),
      password: password === undefined || showPassword ? password : '********',
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
    [value].flat().flatMap((one) => (one === undefined ? [] : [`${option} = ${quote(String(one))}`])),
  );
  return `[${name}]\n${lines.join('\n')}\n`;
}

/** In double quotes, as JSON, whatever the reader could take for something else: ini's own `safe` forgets backslashes. */
function quote(value: string): string {
  return /["'\\;#=\n\r]|^\s|\s$/.test(value) ? JSON.stringify(value) : value;
}
