import type { HandlerSettings } from '../core/configuration.ts';
import { isPrintable, printable } from '../core/printable-text.ts';
import { optionsOf, type Section } from './options.ts';
import type { Configuration } from './typed-configuration.ts';

interface FormatOptions {
  readonly notices?: readonly string[];
  readonly origins?: readonly string[];
  readonly showPassword?: boolean;
}

/**
 * A configuration as an INI file that loads to the same value, except for the password, which is masked
 * unless requested.
 */
export function format(
  { file, handlers, purges, zones, ...sections }: Configuration,
  { notices = [], origins = [], showPassword = false }: FormatOptions = {},
): string {
  const { database, cache, daemon, http } = sections;
  const write = (table: Section, values: object, name: string = table) =>
    `[${name}]\n${linesOf(table, values, showPassword).join('\n')}\n`;
  return [
    `; the configuration in ${printable(file)}, as uncached understands it`,
    ...(database.password === undefined || showPassword
      ? []
      : ['; the password is masked: --show-password prints it']),
    ...notices.map((notice) => `; notice: ${printable(notice)}`),
    ...origins.map((origin) => `; ${printable(origin)}`),
    write('database', database),
    write('cache', cache),
    write('daemon', daemon),
    write('http', http),
    ...zones.map((zone) => write('nginx', zone, `nginx.${zone.name}`)),
    ...purges.map((purge) => write('purge', purge, `purge.${purge.name}`)),
    ...handlers.map((handler) => write('handler', handler, `handler.${handler.name}`)),
  ].join('\n');
}

/** A section of its own, to be added to a file. */
export function formatHandler(handler: HandlerSettings): string {
  return `[handler.${handler.name}]\n${linesOf('handler', handler, false).join('\n')}\n`;
}

function linesOf(table: Section, values: object, showSecrets: boolean): string[] {
  const given = new Map<string, unknown>(Object.entries(values));
  return optionsOf(table).flatMap(
    ([name, { property = name, write = String, list, secret, mask = () => '********' }]) => {
      const value = given.get(property);
      if (value === undefined) return [];
      const texts = list && Array.isArray(value) ? value.map(write) : [write(value)];
      return texts.map(
        (text) => `${name}${list ? '[]' : ''} = ${quote(secret && !showSecrets ? mask(text) : text)}`,
      );
    },
  );
}

/**
 * In double quotes, as JSON, whenever the reader or a terminal could misread it: ini's own `safe` forgets
 * backslashes.
 */
function quote(value: string): string {
  return /["'\\;#=]|^\s|\s$/.test(value) || !isPrintable(value) ? JSON.stringify(value) : value;
}
