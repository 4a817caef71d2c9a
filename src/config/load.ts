import { existsSync, readFileSync } from 'node:fs';
import type { Configuration } from '../core/configuration.ts';
import { errorCode, UsageError } from '../core/errors.ts';
import { toConfiguration } from './configuration.ts';
import { readEntries } from './read.ts';

const places = ['/usr/local/etc/uncached.ini', '/etc/uncached.ini'];

/** The file to read: `--config`, else $UNCACHED_CONFIG, else the first place where there is one. Throws a UsageError. */
export function findFile(given: string | undefined, env = process.env): string {
  const found = given ?? env.UNCACHED_CONFIG ?? places.find((place) => existsSync(place));
  if (found !== undefined) return found;
  throw new UsageError([
    `there is no configuration: name one with --config FILE or put it at ${places.join(' or ')}`,
  ]);
}

/** Reads and checks a configuration file. Throws a UsageError with every problem there is. */
export function load(file: string): Configuration {
  const { configuration, problems } = inspect(file);
  if (configuration === undefined || problems.length > 0) throw new UsageError(problems);
  return configuration;
}

/** The same for `check`, which has more to look at even if there are problems. Throws only if the file cannot be read. */
export function inspect(file: string): { configuration?: Configuration; problems: string[] } {
  const { entries, sections, problems } = readEntries(readText(file));
  const { configuration, problems: more } = toConfiguration(file, { entries, sections });
  return {
    ...(configuration && { configuration }),
    problems: [...problems, ...more].map((problem) => `${file}: ${problem}`),
  };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    const reason = errorCode(error) === 'ENOENT' ? 'it does not exist' : (error as Error).message;
    throw new UsageError([`cannot read the configuration ${file}: ${reason}`]);
  }
}
