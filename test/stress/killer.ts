import { setTimeout as wait } from 'node:timers/promises';
import { withClient } from '../postgres/connection.ts';
import { seeded } from '../random.ts';
import type { Company } from './company.ts';
import type { Daemon } from './daemon.ts';
import type { Options } from './options.ts';
import type { Report } from './report.ts';
import type { World } from './world.ts';

/**
 * The share of load in a run. The rest is quiet points. Kills are planned for a smaller share, so that there
 * are too many rather than too few.
 */
const loadShare = 0.55;

/** Kills processes at times that the seed decides: mostly the daemon, sometimes others. */
export class Killer {
  readonly #world: World;
  readonly #company: Company;
  readonly #report: Report;
  readonly #meanLifeMs: number;
  readonly #random;
  #daemon: Daemon | undefined;
  readonly #beside: Daemon[] = [];
  #crashesLeft: number;
  readonly #crashChance: number;

  constructor(world: World, company: Company, { seed, minutes, kills, crashes }: Options, report: Report) {
    this.#world = world;
    this.#company = company;
    this.#report = report;
    this.#random = seeded(`${seed} killer`);
    this.#meanLifeMs = (minutes * 60_000 * loadShare) / kills;
    this.#crashesLeft = crashes;
    this.#crashChance = crashes / kills;
  }

  /**
   * The number of daemons alive when `run` has returned: the main one, which is killed repeatedly, and the
   * additional ones.
   */
  get living(): number {
    return this.#beside.length + 1;
  }

  /** Runs until the signal aborts. No daemon is frozen when it returns. */
  async run(signal: AbortSignal): Promise<void> {
    this.#daemon ??= this.#start();
    while (!signal.aborted) {
      await wait(this.#lifeMs(), undefined, { signal }).catch(() => {});
      if (signal.aborted) break;
      const chance = this.#random.next();
      if (this.#crashesLeft > 0 && chance < this.#crashChance) await this.#crash();
      else if (chance > 0.94) await this.#cut();
      else if (chance > 0.86) await this.#killLoad();
      else if (chance > 0.76) this.#startBeside(this.#daemon);
      await this.#killBeside();
      await this.#killDaemon(signal);
    }
    // Frozen daemons continue now, at the quiet point.
    for (const daemon of this.#beside) daemon.thaw();
  }

  async end(): Promise<void> {
    await Promise.all([...this.#beside, this.#daemon].map((daemon) => daemon?.kill()));
  }

  /** A quarter are killed while they start. A quarter live long enough to settle. */
  #lifeMs(): number {
    const { next, between } = this.#random;
    const kind = next();
    if (kind < 0.25) return Math.min(450, this.#meanLifeMs * 0.3 * next());
    return this.#meanLifeMs * (kind < 0.75 ? between(0.3, 1.3) : between(1.3, 3.2));
  }

  #start(): Daemon {
    return this.#world.startDaemon(this.#random);
  }

  /**
   * Another daemon takes its place, and takes over its claims. The first one keeps running next to it, or is
   * frozen and resumes later.
   */
  #startBeside(daemon: Daemon): void {
    this.#daemon = this.#start();
    this.#beside.push(daemon);
    this.#report.figures.count('daemons beside');
    if (this.#random.chance(0.3)) return;
    daemon.freeze();
    this.#report.figures.count('daemons frozen');
  }

  /** Usually leaves two of them. Some are thawed and run for a while first. */
  async #killBeside(): Promise<void> {
    for (const daemon of [...this.#beside]) {
      if (this.#random.chance(0.3)) daemon.thaw();
      if (this.#beside.length <= 2 && this.#random.chance(0.8)) continue;
      await daemon.kill();
      this.#beside.splice(this.#beside.indexOf(daemon), 1);
    }
  }

  async #killDaemon(signal: AbortSignal): Promise<void> {
    const { figures } = this.#report;
    const starting = this.#daemon?.listened() === false;
    await this.#daemon?.kill();
    figures.count('kills');
    // Unmarked rows were claimed and not cleared yet. Marked rows were waiting for their second clearing.
    const { claimed, settling } = await this.#journal();
    if (starting) figures.count('kills while starting');
    if (claimed > 0) figures.count('kills while clearing');
    if (settling > 0) figures.count('kills while settling');
    if (this.#random.chance(0.2))
      await wait(this.#random.between(0, 700), undefined, { signal }).catch(() => {});
    this.#daemon = this.#start();
  }

  async #journal(): Promise<{ claimed: number; settling: number }> {
    return withClient(this.#world.connection, async (client) => {
      const { rows } = await client.query<{ claimed: number; settling: number }>(
        `SELECT count(*) FILTER (WHERE cleared_at IS NULL AND last_error IS NULL)::int AS claimed,
                count(*) FILTER (WHERE cleared_at IS NOT NULL)::int AS settling FROM uncached.journal`,
      );
      return rows[0] ?? { claimed: 0, settling: 0 };
    });
  }

  /** Kills PostgreSQL itself with -9. */
  async #crash(): Promise<void> {
    this.#crashesLeft -= 1;
    await this.#world.server.kill();
    await wait(this.#random.between(0, 500));
    await this.#world.server.restart();
    this.#report.figures.count('crashes of PostgreSQL');
  }

  /** Cuts the daemon's connections, as a broken network would. The daemon runs on for a while. */
  async #cut(): Promise<void> {
    await withClient(this.#world.connection, (client) =>
      client.query(
        `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE 'uncached%' AND random() < 0.7`,
      ),
    );
    this.#report.figures.count('cuts');
    await wait(this.#random.between(0, 1_500));
  }

  async #killLoad(): Promise<void> {
    const killed = await this.#company.kill(this.#random.next());
    if (killed) this.#report.figures.count(`kills of ${killed}s`);
  }
}
