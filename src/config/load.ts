import { existsSync, readFileSync } from 'node:fs';
import type { Configuration } from '../core/configuration.ts';
import { errorCode, UsageError } from '../core/errors.ts';
import { toConfiguration } from './configuration.ts';
import { parseFile } from './fp-listen/configparser.ts';
import { type FpListen, isFpListen, readFpListen } from './fp-listen/read.ts';
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

export interface Loaded {
  readonly configuration: Configuration;
  /** What is not wrong, but should be seen. */
  readonly notices: readonly string[];
  /** Handlers that an fp-listen.ini lacks the paths for, each with what to do about it. */
  readonly disabled: ReadonlyMap<string, string>;
}

/** Reads and checks a configuration file. Throws a UsageError with every problem there is. */
export function load(file: string): Loaded {
  const { configuration, problems, notices, disabled } = inspect(file);
  if (configuration === undefined || problems.length > 0) throw new UsageError(problems);
  return { configuration, notices, disabled };
}

export interface Inspected extends Omit<Loaded, 'configuration'> {
  readonly configuration?: Configuration;
  readonly problems: string[];
  /** Handlers that the file does not name: no wonder if no channel wakes them. */
  readonly implied: readonly string[];
}

/** The same for `check`, which has more to look at even if there are problems. Throws only if the file cannot be read. */
export function inspect(file: string): Inspected {
  const bytes = readBytes(file);
  const raw = parseFile(bytes);
  const read = isFpListen(raw) ? readFpListen(raw) : readNative(bytes.toString());
  const { configuration, problems = [] } = read.parsed ? toConfiguration(file, read.parsed) : {};
  const here = (text: string) => `${file}: ${text}`;
  return {
    ...(configuration && { configuration }),
    problems: [...read.problems, ...problems].map(here),
    notices: read.notices.map(here),
    disabled: read.disabled,
    implied: read.implied,
  };
}

function readNative(text: string): FpListen {
  const { problems, ...parsed } = readEntries(text);
  return { parsed, problems, notices: [], disabled: new Map(), implied: [] };
}

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const reason = errorCode(error) === 'ENOENT' ? 'it does not exist' : (error as Error).message;
    throw new UsageError([`cannot read the configuration ${file}: ${reason}`]);
  }
}
