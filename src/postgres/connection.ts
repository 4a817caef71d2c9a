import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import type { ClientConfig } from 'pg';
import type { DatabaseSettings, SslMode } from '../core/configuration.ts';

/** A server that takes longer than this to answer a connection is taken for dead. */
const connectTimeoutMs = 5_000;

/** The longest that any query of ours may take as seen from here; a half-open link never answers. */
const queryTimeoutMs = 30_000;

/**
 * What node-postgres needs to connect. What the settings leave open comes from libpq's environment variables, then from its
 * defaults; a password from ~/.pgpass (node-postgres reads it).
 */
export function connectionConfig(settings: DatabaseSettings, env = process.env): ClientConfig {
  const host = settings.host ?? env.PGHOST ?? (process.platform === 'linux' ? '/var/run/postgresql' : '/tmp');
  const user = settings.user ?? env.PGUSER ?? userInfo().username;
  const port = settings.port ?? (env.PGPORT ? Number(env.PGPORT) : 5432);
  return {
    host,
    port,
    user,
    database: settings.dbname ?? env.PGDATABASE ?? user,
    ...(settings.password !== undefined && { password: settings.password }),
    ssl: tls(host, settings, env),
    application_name: 'uncached',
    keepAlive: true,
    connectionTimeoutMillis: connectTimeoutMs,
    query_timeout: queryTimeoutMs,
  };
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
