import { userInfo } from 'node:os';
import type { DatabaseSettings } from '../core/configuration.ts';
import { UsageError } from '../core/errors.ts';
import { defaultPasswordFile, ignoredFile } from './password-file.ts';
import { type TlsSettings, tlsProblems } from './tls.ts';

/** What [database], libpq's environment variables and its defaults say together. */
interface Settings {
  readonly user: string;
  readonly database: string;
  readonly hosts: readonly [string, ...string[]];
  readonly ports: readonly number[];
  /** PGPORT is not a list of ports; as text. */
  readonly wrongPort: string | undefined;
  readonly password: string | undefined;
  /** Undefined if there can be none. */
  readonly passwordFile: string | undefined;
  readonly tls: TlsSettings;
}

/** Where libpq looks for the socket, and what `localhost` in a password file means. */
export const socketDirectory = process.platform === 'linux' ? '/var/run/postgresql' : '/tmp';

/** Throws a UsageError if there is no user. */
export function readSettings(settings: DatabaseSettings, env: NodeJS.ProcessEnv): Settings {
  const variable = (name: string): string | undefined => env[name] || undefined;
  const user = settings.user ?? variable('PGUSER') ?? accountName();
  const [first = socketDirectory, ...others] = splitList(settings.host ?? variable('PGHOST'));
  const ports = settings.port ?? splitList(variable('PGPORT')).map(Number);
  return {
    user,
    database: settings.dbname ?? variable('PGDATABASE') ?? user,
    hosts: [first, ...others],
    ports,
    wrongPort: ports.every(Number.isInteger) ? undefined : `PGPORT = ${env.PGPORT} is no list of ports`,
    password: settings.password ?? variable('PGPASSWORD'),
    passwordFile: variable('PGPASSFILE') ?? defaultPasswordFile(),
    tls: {
      ...setting('sslmode'),
      ...setting('sslrootcert'),
      ...setting('sslcert'),
      ...setting('sslkey'),
    },
  };

  function setting<Name extends keyof TlsSettings>(
    name: Name,
  ): { [K in Name]?: { value: string; from: string } } {
    const own = settings[name];
    const from = `PG${name.toUpperCase()}`;
    const found = own === undefined ? variable(from) : own;
    if (found === undefined) return {};
    return { [name]: { value: found, from: own === undefined ? from : `[database] ${name}` } } as {
      [K in Name]: { value: string; from: string };
    };
  }
}

/**
 * Everything that is wrong with them: an attempt to connect would stop at the first. Throws a UsageError if
 * there is no user.
 */
export function settingsProblems(settings: DatabaseSettings, env = process.env): string[] {
  const { wrongPort, hosts, tls } = readSettings(settings, env);
  return [
    ...(wrongPort === undefined ? [] : [wrongPort]),
    ...(hosts.every((host) => host.startsWith('/')) ? [] : tlsProblems(tls)),
  ];
}

/** A password file that exists and is not used. */
export function settingsNotices(settings: DatabaseSettings, env = process.env): string[] {
  const { password, passwordFile } = readSettings(settings, env);
  const ignored =
    passwordFile === undefined || password !== undefined ? undefined : ignoredFile(passwordFile);
  return ignored === undefined ? [] : [ignored];
}

function splitList(list = ''): string[] {
  return list.split(',').flatMap((item) => item.trim() || []);
}

/** A container's uid may have no entry in /etc/passwd. */
function accountName(): string {
  try {
    return userInfo().username;
  } catch {
    throw new UsageError([
      `there is no user to connect as: the account that runs uncached, uid ${process.getuid?.()}, has no name: set user under [database], or PGUSER`,
    ]);
  }
}
