import { existsSync, readFileSync, statSync } from 'node:fs';
import { errorCode, toError, UsageError } from '../core/errors.ts';
import { toConfiguration } from './build-configuration.ts';
import { readEnvironment } from './environment.ts';
import { parseFile } from './fp-listen/configparser.ts';
import type { Disabled } from './fp-listen/conversion-report.ts';
import { type FpListen, isFpListen, readFpListen } from './fp-listen/read-fp-listen.ts';
import { readEntries } from './read-entries.ts';
import type { Configuration, Draft } from './typed-configuration.ts';
import { notUtf8 } from './utf8.ts';

const places = ['/usr/local/etc/uncached.ini', '/etc/uncached.ini'];

/**
 * The file to read: `--config`, else $UNCACHED_CONFIG, else the first place that has one. Throws a
 * UsageError.
 */
export function findFile(given: string | undefined, env = process.env): string {
  const found = findAny(given, env);
  if (found !== undefined) return found;
  throw new UsageError([
    `there is no configuration: name one with --config FILE or put it at ${places.join(' or ')}`,
  ]);
}

/** The same for commands that can do without one. */
export function findAny(given: string | undefined, env = process.env): string | undefined {
  return given ?? (env.UNCACHED_CONFIG || undefined) ?? places.find((place) => existsSync(place));
}

export interface Loaded {
  readonly configuration: Configuration;
  /** Not an error, but worth knowing. */
  readonly notices: readonly string[];
  /** What the environment sets and the file does not. */
  readonly origins: readonly string[];
  /** Handlers that an fp-listen.ini lacks the paths for. */
  readonly disabled: ReadonlyMap<string, Disabled>;
  /** The command that prints the SQL that a database of this kind lacks. */
  readonly install: string;
}

/** Reads and checks a configuration file. Throws a UsageError with every problem there is. */
export function load(file: string, env = process.env): Loaded {
  const { draft, problems, notices, origins, disabled, install } = inspect(file, env);
  const root = draft?.cache.root;
  if (!draft || root === undefined || problems.length > 0) throw new UsageError(problems);
  const configuration = { ...draft, cache: { ...draft.cache, root } };
  return { configuration, notices, origins, disabled, install };
}

export interface Inspected extends Omit<Loaded, 'configuration'> {
  readonly draft?: Draft;
  readonly problems: string[];
  /** Handlers that the file does not name: it is normal if no channel wakes them. */
  readonly implied: readonly string[];
}

/**
 * The same for `check`, which continues even if there are problems. Throws only if the file cannot be read.
 */
export function inspect(file: string, env = process.env): Inspected {
  const bytes = readBytes(file);
  const raw = parseFile(bytes);
  const fpListen = isFpListen(raw);
  const read = fpListen ? readFpListen(raw) : readNative(bytes);
  const {
    entries,
    problems: badVariables,
    notices,
    origins,
  } = readEnvironment(env, read.parsed?.entries ?? []);
  const parsed = read.parsed && { ...read.parsed, entries: [...read.parsed.entries, ...entries] };
  const { draft, problems = [] } = parsed ? toConfiguration(file, parsed) : {};
  const here = (text: string) => `${file}: ${text}`;
  return {
    ...(draft && { draft }),
    problems: [...[...read.problems, ...problems].map(here), ...badVariables],
    notices: [...read.notices.map(here), ...notices],
    origins,
    disabled: read.disabled,
    implied: read.implied,
    // A site with an fp-listen.ini has its listen_for and its queue tables already.
    install: `uncached schema${fpListen ? ' --journal-only' : ''}`,
  };
}

/** A password in a file that everybody may read. */
export function passwordNotices(file: string, { database }: Draft): string[] {
  if (database.password === undefined) return [];
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found?.isFile() || (found.mode & 0o004) === 0) return [];
  return [
    `${file}: it holds a password, and everybody may read it: chmod 640 ${file}, and chgrp to a group of the daemon's account`,
  ];
}

function readNative(bytes: Buffer): FpListen {
  const { problems, ...parsed } = readEntries(bytes.toString());
  return {
    parsed,
    problems: [...notUtf8(bytes), ...problems],
    notices: [],
    disabled: new Map(),
    implied: [],
  };
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EISDIR: 'it is a directory',
  EACCES:
    "this account may not (EACCES): run uncached as the daemon's account, or give that the file: chmod 640, and chgrp to a group of it",
};

function readBytes(file: string): Buffer {
  try {
    return readFileSync(file);
  } catch (error) {
    const code = errorCode(error) ?? '';
    const reason = Object.hasOwn(reasons, code) ? reasons[code] : toError(error).message;
    throw new UsageError([`cannot read the configuration ${file}: ${reason}`]);
  }
}
