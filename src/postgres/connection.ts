import type { ClientConfig } from 'pg';
import type { DatabaseSettings } from '../core/configuration.ts';
import { type DatabaseTimings, usualTimings } from '../core/timings.ts';
import { AdvisedError } from './advice.ts';
import { passwordFromFile } from './password-file.ts';
import { RefusingSocket } from './refusing-socket.ts';
import { sessionName } from './session-name.ts';
import { readSettings, socketDirectory } from './settings.ts';
import { tlsConfig } from './tls.ts';

interface ConnectionOptions {
  readonly owner?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly timings?: DatabaseTimings;
}

/**
 * What node-postgres needs to connect, for each host of the list. Settings that are missing come from libpq's
 * environment variables, of which an empty one counts as unset, then from its defaults. One port serves for
 * all hosts, or each has its own. Throws a UsageError if there is no user.
 */
export function connectionConfigs(
  settings: DatabaseSettings,
  { owner, env = process.env, timings = usualTimings.database }: ConnectionOptions = {},
): [ClientConfig, ...ClientConfig[]] {
  const { user, hosts, ports, wrongPort, password, passwordFile, tls, ...login } = readSettings(
    settings,
    env,
  );
  const toConfig = (host: string, index: number): ClientConfig => {
    const full = { host, port: ports[index] ?? ports[0] ?? 5432, user, ...login };
    const transport = host.startsWith('/') ? { ssl: false } : tlsConfig(tls);
    const wrong = wrongPort === undefined ? undefined : new AdvisedError(wrongPort, 'EPORT');
    return {
      ...full,
      password: password ?? (() => passwordFromFile(full, { file: passwordFile, socketDirectory })),
      ...transport,
      ...(wrong && { port: 5432, stream: () => new RefusingSocket(wrong) }),
      // Otherwise PGSSLNEGOTIATION applies, which the listener's own connection does not know (listener.ts).
      sslnegotiation: 'postgres',
      application_name: sessionName(owner),
      keepAlive: true,
      connectionTimeoutMillis: timings.connectMs,
      query_timeout: timings.queryMs,
    };
  };
  const [first, ...others] = hosts;
  return [toConfig(first, 0), ...others.map((host, index) => toConfig(host, index + 1))];
}

/** `user@host:port/database`, for messages. */
/** The same without the role. */
export function describeServer({ host, port, database }: ClientConfig): string {
  return `${database} on ${host}:${port}`;
}

export function describeConnection({ user, host, port, database }: ClientConfig): string {
  return `${user}@${host}:${port}/${database}`;
}
