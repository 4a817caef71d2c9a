import { setTimeout as wait } from 'node:timers/promises';
import { withClient } from '../postgres/connection.ts';
import { seeded } from '../random.ts';
import type { Company } from './company.ts';
import type { Node } from './node.ts';
import { NodeDaemons } from './node-daemons.ts';
import type { Options } from './options.ts';
import type { Report } from './report.ts';
import type { World } from './world.ts';

/**
 * The share of load in a run. The rest is quiet points. Kills are planned for a smaller share, so that there
 * are too many rather than too few.
 */
const loadShare = 0.55;

/** Kills processes at times that the seed decides: mostly daemons, sometimes others. */
export class Killer {
  readonly #world: World;
  readonly #company: Company;
  readonly #report: Report;
  readonly #meanLifeMs: number;
  readonly #random;
  readonly #all: readonly NodeDaemons[];
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
    this.#all = world.nodes.map((node) => new NodeDaemons(node, this.#random, report));
  }

  /** The number of daemons alive when `run` has returned. */
  get living(): number {
    return this.#all.reduce((sum, { living }) => sum + living, 0);
  }

  of(node: Node): NodeDaemons {
    const found = this.#all.find((one) => one.node === node);
    if (!found) throw new Error(`Cannot tell the daemons of ${node.name}: it is of another run`);
    return found;
  }

  /** Runs until the signal aborts. No daemon is frozen when it returns. */
  async run(signal: AbortSignal): Promise<void> {
    for (const daemons of this.#all) daemons.start();
    while (!signal.aborted) {
      await wait(this.#lifeMs(), undefined, { signal }).catch(() => {});
      if (signal.aborted) break;
      const daemons = this.#random.pick(this.#all);
      const chance = this.#random.next();
      if (this.#crashesLeft > 0 && chance < this.#crashChance) await this.#crash();
      else if (chance > 0.94) await this.#cut();
      else if (chance > 0.86) await this.#killLoad();
      else if (daemons.isAway) continue;
      else if (chance > 0.76) daemons.startBeside();
      else if (chance > 0.71) {
        this.#sendAway(daemons, signal);
        continue;
      }
      if (daemons.isAway) continue;
      await daemons.killBeside();
      await this.#kill(daemons, signal);
    }
    // Frozen daemons continue now, at the quiet point.
    await Promise.all(this.#all.map((daemons) => daemons.rest()));
  }

  async end(): Promise<void> {
    await Promise.all(this.#all.map((daemons) => daemons.end()));
  }

  /** A quarter are killed while they start. A quarter live long enough to settle. */
  #lifeMs(): number {
    const { next, between } = this.#random;
    const kind = next();
    if (kind < 0.25) return Math.min(450, this.#meanLifeMs * 0.3 * next());
    return this.#meanLifeMs * (kind < 0.75 ? between(0.3, 1.3) : between(1.3, 3.2));
  }

  /** Beyond three heartbeats another daemon may take over; beyond five seconds (`expire`) all is wiped. */
  #sendAway(daemons: NodeDaemons, signal: AbortSignal): void {
    const { between, chance, pick } = this.#random;
    const how = pick(['frozen', 'gone'] as const);
    const long = chance(0.6);
    daemons.goAway(long ? between(6_000, 9_000) : between(3_200, 4_800), how, signal);
    this.#report.figures.count(`nodes ${how}${long ? ' for long' : ''}`);
  }

  async #kill(daemons: NodeDaemons, signal: AbortSignal): Promise<void> {
    const { figures } = this.#report;
    const starting = await daemons.kill();
    figures.count('kills');
    const { claimed, settling } = await this.#unsettled(daemons.node);
    if (starting) figures.count('kills while starting');
    if (claimed > 0) figures.count('kills while clearing');
    if (settling > 0) figures.count('kills while settling');
    if (this.#random.chance(0.2))
      await wait(this.#random.between(0, 700), undefined, { signal }).catch(() => {});
    daemons.start();
  }

  /** Rows of the log that were not cleared, and rows that waited for their second clearing. */
  async #unsettled({ root }: Node): Promise<{ claimed: number; settling: number }> {
    return withClient(this.#world.connection, async (client) => {
      const { rows } = await client.query<{ claimed: number; settling: number }>(
        `SELECT count(*) FILTER (WHERE log.id > cleared_to)::int AS claimed,
                count(*) FILTER (WHERE log.id > settled_to AND log.id <= cleared_to)::int AS settling
         FROM uncached.consumer, uncached.log WHERE place = $1 AND state <> 'expired'`,
        [root],
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

  /** Cuts connections of daemons, as a broken network would. They run on for a while. */
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
