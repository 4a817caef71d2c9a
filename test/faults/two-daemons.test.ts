import { setTimeout as wait } from 'node:timers/promises';
import { expect, inject, it } from 'vitest';
import { unsettled } from '../postgres/unsettled.ts';
import { random } from '../random.ts';
import type { RunningDaemon } from '../uncached.ts';
import { eventually } from './eventually.ts';
import { Producer } from './producer.ts';
import { expectDone } from './whole.ts';
import { bystanders, World } from './world.ts';

const long = process.env.FAULTS === 'long';
const blows = long ? 60 : 6;

/** Three heartbeats: a daemon that is frozen for longer loses its root to the other. */
const leaseMs = 3_000;

it('two daemons of one root clear everything while either is killed or frozen at random', {
  timeout: 300_000,
}, async () => {
  const chance = random();
  const world = await World.open(inject('postgres'), { ini: { settle: '1s' } });
  const daemons: RunningDaemon[] = [];
  try {
    for (const _ of ['one', 'other']) daemons.push(await world.start());
    const producers = [1, 2].map((n) => new Producer(world, `producer-${n}`));
    for (let n = 0; n < blows; n++) {
      const struck = chance.pick(daemons);
      if (chance.chance(0.5)) {
        await struck.stop('SIGKILL');
        daemons[daemons.indexOf(struck)] = world.spawn();
      } else {
        process.kill(struck.pid, 'SIGSTOP');
        // Now and then the pause lasts until the other daemon has taken over. The frozen one then resumes in a
        // root that is no longer its own.
        await wait(long && chance.chance(0.25) ? leaseMs * 1.5 : chance.below(400));
        process.kill(struck.pid, 'SIGCONT');
      }
      await wait(chance.below(300));
    }

    // One daemon stays frozen with rows that it has claimed. The other must finish without it.
    const [frozen, other] = chance.chance(0.5) ? daemons : daemons.toReversed();
    if (!frozen || !other) throw new Error('Cannot freeze one of two: there are not two');
    await freezeWithRows(world, frozen, other);
    for (const producer of producers) await producer.stop();
    const committed = producers.flatMap((producer) => producer.committed);
    await expectDone(world);
    expect(producers.flatMap((producer) => producer.stale())).toEqual([]);
    console.log(`two daemons: ${committed.length} entries, ${blows} blows, 0 lost`);

    process.kill(frozen.pid, 'SIGCONT');
    for (const daemon of daemons) await daemon.until('LISTEN', ({ event }) => event === 'listening');
    await world.probe();
    await expectDone(world);
    expect(world.site.pages()).toEqual([...bystanders].sort());
    expect(await Promise.all(daemons.map((daemon) => daemon.stop()))).toEqual([0, 0]);
  } finally {
    await Promise.all(daemons.map((daemon) => daemon.stop('SIGKILL')));
    await world.close();
  }
});

it('the second daemon of a root stands by, and takes over when the first is gone or hangs', {
  timeout: 300_000,
}, async () => {
  const world = await World.open(inject('postgres'));
  const daemons: RunningDaemon[] = [];
  const standsBy = ({ event, msg }: RunningDaemon['log'][number]) =>
    event === 'notice' && msg.includes('stands by');
  try {
    daemons.push(await world.start());
    for (const n of [1, 2]) {
      const next = await world.start();
      await next.until('standby', standsBy);
      daemons.push(next);
      expect(daemons[n - 1]?.log.filter(standsBy)).toHaveLength(n - 1);
    }
    const [first, second, third] = daemons;
    if (!first || !second || !third) throw new Error('Cannot take one away: there are not three');
    await first.stop('SIGKILL');
    expect(await world.ownMs(() => world.probe())).toBeLessThan(5_000);
    await expectDone(world);
    process.kill((await owner(world, [second, third])).pid, 'SIGSTOP');
    expect(await world.ownMs(() => world.probe())).toBeLessThan(leaseMs + 5_000);
    await expectDone(world);
    for (const { pid } of [second, third]) process.kill(pid, 'SIGCONT');
    await world.probe();
    await expectDone(world);
    expect(world.site.pages()).toEqual([...bystanders].sort());
    expect(await Promise.all([second, third].map((daemon) => daemon.stop()))).toEqual([0, 0]);
  } finally {
    await Promise.all(daemons.map((daemon) => daemon.stop('SIGKILL')));
    await world.close();
  }
});

/** The daemon that clears the root. */
function owner(world: World, daemons: readonly RunningDaemon[]): Promise<RunningDaemon> {
  return eventually(
    'owned',
    async () => {
      const [found] = await world.query<{ pid: number }>(
        'SELECT pid FROM uncached.daemon JOIN uncached.consumer USING (owner)',
      );
      return daemons.find(({ pid }) => pid === found?.pid);
    },
    async () => world.lastWords(),
  );
}

/** While `other` is stopped, only `one` can have claimed the rows. */
async function freezeWithRows(world: World, one: RunningDaemon, other: RunningDaemon): Promise<void> {
  const rows = () => world.query(`SELECT FROM ${unsettled} WHERE claimed_at > $1`, [since]);
  process.kill(other.pid, 'SIGSTOP');
  const [now] = await world.query<{ since: string }>('SELECT clock_timestamp()::text AS since');
  const since = now?.since;
  await eventually(
    'frozen with rows',
    async () => {
      if ((await rows()).length === 0) return undefined;
      process.kill(one.pid, 'SIGSTOP');
      if ((await rows()).length > 0) return true;
      process.kill(one.pid, 'SIGCONT');
      return undefined;
    },
    async () => world.lastWords(),
  );
  process.kill(other.pid, 'SIGCONT');
}
