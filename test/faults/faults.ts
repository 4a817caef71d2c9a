import { setTimeout as wait } from 'node:timers/promises';
import type { LaunchedServer } from '../postgres/launch.ts';
import type { Link } from './link.ts';
import type { World } from './world.ts';

/** Everything that a fault can reach. `link` is the connection that was caught in the phase, or any other. */
export interface Scene {
  readonly world: World;
  readonly link: Link;
  /** Absent where the server is shared. */
  readonly server?: LaunchedServer;
  /** How long a lasting fault lasts. */
  readonly lastsMs: number;
}

/** Each resolves when the fault has ended. From then on the daemon must recover. */
export const faults = {
  async 'cut one connection'({ link }) {
    link.cut();
  },

  async 'cut all connections'({ world, link }) {
    link.cut();
    world.proxy.cut('all');
  },

  /** Half-open for a while, and then the bytes arrive after all. */
  async 'freeze one connection'({ link, lastsMs }) {
    link.freeze();
    await wait(lastsMs);
    link.thaw();
  },

  async 'freeze all connections'({ world, lastsMs }) {
    world.proxy.freeze('all');
    await wait(lastsMs);
    await world.proxy.heal();
  },

  async 'freeze the listener'({ world, link, lastsMs }) {
    if (!link.isListener) link.thaw();
    world.proxy.freeze('listener');
    await wait(lastsMs);
    await world.proxy.heal();
  },

  /**
   * Half-open permanently, as when a firewall has dropped its state: the connection never breaks, and only a
   * heartbeat detects it.
   */
  async 'a half-open listener'({ world, link }) {
    link.thaw();
    for (const listener of world.proxy.links('listener')) listener.freeze();
  },

  async 'delay everything'({ world, link, lastsMs }) {
    world.proxy.delay('all', Math.min(200, lastsMs / 4));
    link.thaw();
    await wait(lastsMs);
    await world.proxy.heal();
  },

  async 'refuse connections'({ world, lastsMs }) {
    await world.proxy.refuse();
    await wait(lastsMs);
    await world.proxy.heal();
  },

  async 'end one backend'({ world, link }) {
    await world.query('SELECT pg_terminate_backend($1)', [link.backend]);
    link.thaw();
  },

  async 'end all backends'({ world, link }) {
    await world.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
       WHERE datname = current_database() AND application_name LIKE 'uncached%'`,
    );
    link.thaw();
  },

  async 'kill -9 of uncached'({ world, link }) {
    await world.kill();
    link.cut();
    world.spawn();
  },

  /**
   * Its request reaches the server after the process died, when the next run may have read the log
   * already.
   */
  async 'kill -9 of uncached, its request late'({ world, link }) {
    await world.kill();
    const next = world.spawn();
    await next.until('LISTEN', ({ event }) => event === 'listening');
    link.thaw();
  },

  async 'kill -9 of PostgreSQL'({ server, link }) {
    await server?.kill();
    link.thaw();
    await server?.restart();
  },
} satisfies Record<string, (scene: Scene) => Promise<void>>;

export type Fault = keyof typeof faults;
export const faultNames = Object.keys(faults) as Fault[];
