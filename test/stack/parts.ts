import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { freePort } from '../postgres/free-port.ts';
import type { LaunchedServer } from '../postgres/launch.ts';
import { type LogLine, type RunningDaemon, startUncached } from '../uncached.ts';
import type { SiteSetting } from './article.ts';

/** Something that runs, and is killed with -9 now and then. */
export interface Part {
  readonly name: string;
  /** Resolves when it works. */
  start(): Promise<void>;
  kill(): Promise<void>;
}

/** Started already. */
export const databasePart = (server: LaunchedServer): Part => ({
  name: 'PostgreSQL',
  start: () => server.restart(),
  kill: () => server.kill(),
});

interface DaemonPart extends Part {
  /** Of its last runs. */
  log(): readonly LogLine[];
}

export function daemonPart(configuration: string, program: string): DaemonPart {
  let running: RunningDaemon | undefined;
  let former: readonly LogLine[] = [];
  return {
    name: 'daemon',
    log: () => [...former, ...(running?.log ?? [])],
    async start() {
      running = startUncached(configuration, {}, { program });
      await running.until('LISTEN', ({ event }) => event === 'listening');
    },
    async kill() {
      await running?.stop('SIGKILL');
      former = (running?.log ?? []).slice(-1_000);
      running = undefined;
    },
  };
}

export interface SiteServer extends Part {
  readonly port: number;
  readonly address: string;
}

export async function siteServer(setting: Omit<SiteSetting, 'port'>): Promise<SiteServer> {
  const port = await freePort();
  let child: ChildProcess | undefined;
  return {
    name: 'site',
    port,
    address: `http://127.0.0.1:${port}`,
    async start() {
      const started = fork(join(import.meta.dirname, 'site-server.js'), [
        JSON.stringify({ ...setting, port } satisfies SiteSetting),
      ]);
      child = started;
      await once(started, 'message');
    },
    async kill() {
      if (!child) return;
      const ended = once(child, 'exit');
      child.kill('SIGKILL');
      await ended;
      child = undefined;
    },
  };
}
