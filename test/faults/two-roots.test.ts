import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { expect, inject, it, vi } from 'vitest';
import { random } from '../random.ts';
import type { Site } from '../site.ts';
import type { RunningDaemon } from '../uncached.ts';
import { eventually } from './eventually.ts';
import { Producer } from './producer.ts';
import { expectDone } from './whole.ts';
import { bystanders, World, type WorldOptions } from './world.ts';

vi.setConfig({ testTimeout: 300_000 });

const long = process.env.FAULTS === 'long';
const blows = long ? 60 : 8;

/** Two roots on one database, as on two machines, each with its daemon. */
class Nodes {
  readonly world: World;
  readonly #other: ReturnType<World['node']>;
  readonly #daemons: [RunningDaemon, RunningDaemon];

  private constructor(world: World) {
    this.world = world;
    this.#other = world.node();
    this.#daemons = [world.spawn(), this.#other.spawn()];
  }

  /** Resolves when both follow the log. Pages that no entry names stay from then on. */
  static async open(options: WorldOptions): Promise<Nodes> {
    const nodes = new Nodes(await World.open(inject('postgres'), options));
    await nodes.live();
    for (const site of nodes.sites) site.write(bystanders);
    return nodes;
  }

  get sites(): readonly [Site, Site] {
    return [this.world.site, this.#other.site];
  }

  daemon(nth: 0 | 1): RunningDaemon {
    return this.#daemons[nth];
  }

  async restart(nth: 0 | 1): Promise<void> {
    await this.#daemons[nth].stop('SIGKILL');
    this.#daemons[nth] = nth === 0 ? this.world.spawn() : this.#other.spawn();
  }

  async live(): Promise<void> {
    const states = () => this.world.query<{ state: string }>('SELECT state FROM uncached.consumer');
    await eventually(
      'live',
      async () => (await states()).filter(({ state }) => state === 'live').length === 2 || undefined,
      async () => JSON.stringify(await states()),
    );
  }

  /** Publishes a page in both roots and commits a change that names it. */
  async enqueue(port: string): Promise<string> {
    this.#other.site.write([`ports/www/${port}/Detail.html`]);
    return this.world.enqueue(port);
  }

  async gone(page: string): Promise<void> {
    await eventually(
      `without ${page}`,
      async () => this.sites.every(({ root }) => !existsSync(join(root, page))) || undefined,
      async () => this.lastWords(),
    );
  }

  lastWords(): string {
    return this.#daemons.map(({ log }) => JSON.stringify(log.slice(-10))).join('\n');
  }

  async close(): Promise<void> {
    await Promise.all(this.#daemons.map((daemon) => daemon.stop('SIGKILL')));
    await this.world.close();
  }
}

it('each of two roots is cleared of everything while the daemon of either is killed or frozen at random', async () => {
  const chance = random();
  const nodes = await Nodes.open({ ini: { settle: '1s' } });
  const { world, sites } = nodes;
  try {
    const write: Site['write'] = (paths) => sites.reduce((_, site) => site.write(paths), 0);
    const place = { site: { ...world.site, write }, database: world.database };
    const producers = [1, 2].map((n) => new Producer(place, `producer-${n}`));
    for (let n = 0; n < blows; n++) {
      const nth = chance.pick([0, 1] as const);
      if (chance.chance(0.5)) await nodes.restart(nth);
      else {
        const { pid } = nodes.daemon(nth);
        process.kill(pid, 'SIGSTOP');
        await wait(chance.below(400));
        process.kill(pid, 'SIGCONT');
      }
      await wait(chance.below(300));
    }
    // One that is frozen holds up nobody but itself.
    const [frozen, other] = chance.pick([[0, 1] as const, [1, 0] as const]);
    process.kill(nodes.daemon(frozen).pid, 'SIGSTOP');
    for (const producer of producers) await producer.stop();
    const committed = producers.flatMap((producer) => producer.committed);
    const stale = (site: Site) => committed.filter((page) => existsSync(join(site.root, page)));
    await eventually(
      'cleared where nothing is frozen',
      async () => stale(sites[other]).length === 0 || undefined,
      async () => nodes.lastWords(),
    );
    process.kill(nodes.daemon(frozen).pid, 'SIGCONT');
    await expectDone(world);
    for (const site of sites) {
      expect(stale(site)).toEqual([]);
      expect(site.pages()).toEqual([...bystanders].sort());
    }
    console.log(`two roots: ${committed.length} entries, ${blows} blows, 0 lost`);
    expect(await Promise.all(([0, 1] as const).map((nth) => nodes.daemon(nth).stop()))).toEqual([0, 0]);
  } finally {
    await nodes.close();
  }
});

it('a root whose daemon stood still until it expired and the log was trimmed is wiped, and follows again', async () => {
  const nodes = await Nodes.open({ ini: { more: 'sweep = 1s\nkeep = 0s' } });
  const { world, sites } = nodes;
  try {
    const [, late] = sites;
    process.kill(nodes.daemon(1).pid, 'SIGSTOP');
    const page = await nodes.enqueue('missed');
    await world.gone(page);
    const waits = (what: string, condition: string) =>
      eventually(
        what,
        async () => (await world.query(`SELECT WHERE ${condition}`)).length > 0 || undefined,
        async () => nodes.lastWords(),
      );
    // As the other daemon does after an hour.
    await world.query(`UPDATE uncached.consumer SET state = 'expired' WHERE place = $1`, [late.root]);
    await waits('trimmed', 'NOT EXISTS (SELECT FROM uncached.log)');
    expect(existsSync(join(late.root, page))).toBe(true);

    process.kill(nodes.daemon(1).pid, 'SIGCONT');
    await nodes
      .daemon(1)
      .until('wipe', ({ event, reason }) => event === 'cache-wiped' && reason === 'expired');
    await nodes.gone(page);
    await nodes.live();
    await nodes.gone(await nodes.enqueue('heard'));
    await expectDone(world);
  } finally {
    await nodes.close();
  }
});
