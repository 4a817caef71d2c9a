import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { ClientConfig } from 'pg';
import type { DatabaseSettings, SslMode } from '../core/configuration.ts';

/** A server that takes longer than this to answer a connection is taken for dead. */
const connectTimeoutMs = 5_000;

/** The longest that any query of ours may take as seen from here; a half-open link never answers. */
const queryTimeoutMs = 10_000;

/**
 * What node-postgres needs to connect, for each host of the list. What the settings leave open comes from libpq's environment
 * variables, then from its defaults; a password from ~/.pgpass (node-postgres reads it). One port serves for all hosts, or each has
 * its own.
 */
export function connectionConfigs(
  settings: DatabaseSettings,
  { sessionName = 'uncached', env = process.env }: { sessionName?: string; env?: NodeJS.ProcessEnv } = {},
): [ClientConfig, ...ClientConfig[]] {
  const user = settings.user ?? env.PGUSER ?? userInfo().username;
  const localDirectory = process.platform === 'linux' ? '/var/run/postgresql' : '/tmp';
  const [host = localDirectory, ...others] = splitList(settings.host ?? env.PGHOST);
  const ports = settings.port ?? splitList(env.PGPORT).map(Number);
  const toConfig = (one: string, index: number): ClientConfig => ({
    host: one,
    port: ports[index] ?? ports[0] ?? 5432,
    user,
    database: settings.dbname ?? env.PGDATABASE ?? user,
    ...(settings.password !== undefined && { password: settings.password }),
    ssl: tls(one, settings, env),
    application_name: sessionName,
    keepAlive: true,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: queryTimeoutMs,
  });
  return [toConfig(host, 0), ...others.map((one, index) => toConfig(one, index + 1))];
}

function splitList(list = ''): string[] {
  return list.split(',').flatMap((item) => item.trim() || []);
}

/** `user@host:port/database`, for messages. */
export function describeConnection({ user, host, port, database }: ClientConfig): string {
  return `${user}@${host}:${port}/${database}`;
}

/** As libpq understands sslmode, but that TLS is required over TCP unless told otherwise; a socket needs none. */
function tls(host: string, settings: DatabaseSettings, env: NodeJS.ProcessEnv): ClientConfig['ssl'] {
  const mode = settings.sslmode ?? (env.PGSSLMODE as SslMode | undefined) ?? 'require';
  if (host.startsWith('/') || mode === 'disable') return false;
  const rootcert = settings.sslrootcert ?? env.PGSSLROOTCERT;
  const ca = rootcert === undefined ? {} : { ca: readFileSync(rootcert, 'utf8') };
  switch (mode) {
    case 'verify-full':
      return { ...ca, rejectUnauthorized: true };
    case 'verify-ca':
      return { ...ca, rejectUnauthorized: true, checkServerIdentity: () => undefined };
    default:
      return { rejectUnauthorized: false };
  }
}
