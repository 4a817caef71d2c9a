import { readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { errorCode, toError } from '../core/errors.ts';
import { AdvisedError } from './advice.ts';

export interface Login {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
}

/**
 * The password in ~/.pgpass or $PGPASSFILE, as libpq finds it:
 * https://www.postgresql.org/docs/18/libpq-pgpass.html. Throws an AdvisedError if there is none. It is read
 * for each connection that needs one.
 */
export function passwordFromFile(
  login: Login,
  { file, socketDirectory }: { file: string | undefined; socketDirectory: string },
): string {
  if (file === undefined) throw refusal('there is no home directory to look for .pgpass in');
  const host = login.host === socketDirectory ? 'localhost' : login.host;
  const fields = [host, String(login.port), login.database, login.user];
  for (const line of readLines(file)) {
    const password = line.startsWith('#') ? undefined : passwordOf(line, fields);
    if (password) return password;
  }
  throw refusal(`there is none for ${fields.join(':')} in ${file}`);
}

/** Undefined if neither $HOME nor /etc/passwd names a home directory. */
export function defaultPasswordFile(): string | undefined {
  try {
    return join(homedir(), '.pgpass');
  } catch {
    return undefined;
  }
}

/** Why an existing password file is not used, as text. */
export function ignoredFile(path: string): string | undefined {
  const found = statSync(path, { throwIfNoEntry: false });
  return found && isOpen(found) ? ignored(path) : undefined;
}

function isOpen({ mode }: { mode: number }): boolean {
  return (mode & 0o077) !== 0;
}

function ignored(path: string): string {
  return `${path} is ignored, since others may read it: chmod 600 ${path}`;
}

function readLines(path: string): string[] {
  try {
    const found = statSync(path);
    if (!found.isFile()) throw new Error('it is no file');
    if (!isOpen(found)) return readFileSync(path, 'utf8').split(/\r?\n/);
  } catch (error) {
    // In a container it has the owner that it has outside.
    const own =
      errorCode(error) === 'EACCES' ? ` (it must belong to uid ${process.getuid?.()}, which runs this)` : '';
    throw refusal(`${path} cannot be read: ${toError(error).message}${own}`);
  }
  throw refusal(ignored(path));
}

function refusal(why: string): AdvisedError {
  return new AdvisedError(
    `the server asks for a password, and ${why}; set password under [database], or add the line HOST:PORT:DATABASE:USER:PASSWORD`,
    '28P01',
  );
}

/** The rest after the fields, if each field is the wanted one or `*`. A backslash escapes `:` and itself. */
function passwordOf(line: string, wanted: readonly string[]): string | undefined {
  let rest = line;
  for (const value of wanted) {
    const field = /^((?:[^:\\]|\\.)*):/.exec(rest);
    if (!field) return undefined;
    const [all, text = ''] = field;
    if (text !== '*' && withoutBackslashes(text) !== value) return undefined;
    rest = rest.slice(all.length);
  }
  return withoutBackslashes(rest);
}

function withoutBackslashes(text: string): string {
  return text.replace(/\\(.)/g, '$1');
}
