import { setTimeout as wait } from 'node:timers/promises';
import { expect, inject, it } from 'vitest';
import type { RunningDaemon } from '../uncached.ts';
import { Producer } from './producer.ts';
import { pick, seeded } from './random.ts';
import { expectDone } from './whole.ts';
import { bystanders, World } from './world.ts';

const seed = Number(process.env.SEED ?? Date.now() % 1_000_000);
const long = process.env.FAULTS === 'long';
const blows = long ? 60 : 6;

/** Three heartbeats: whoever is frozen for longer loses its rows to the other. */
const leaseMs = 3_000;

it(`two daemons clear everything while either is killed or frozen at random, seed ${seed}`, {
  timeout: 300_000,
}, async () => {
  console.log(`two daemons: SEED=${seed}`);
  const random = seeded(seed);
  const world = await World.open(inject('postgres'), { ini: { settle: '200ms' } });
  const daemons: RunningDaemon[] = [];
  try {
    for (const _ of ['one', 'other']) daemons.push(await world.start());
    const producers = [1, 2].map((n) => new Producer(world, `producer-${n}`));
    for (let n = 0; n < blows; n++) {
      const struck = pick(daemons, random);
      if (random() < 0.5) {
        await struck.stop('SIGKILL');
        daemons[daemons.indexOf(struck)] = world.spawn();
      } else {
        process.kill(struck.pid, 'SIGSTOP');
        // Now and then until the other has taken its rows over, so that it wakes up in the middle of what is no longer its own.
        await wait(long && random() < 0.25 ? leaseMs * 1.5 : 400 * random());
        process.kill(struck.pid, 'SIGCONT');
      }
      await wait(300 * random());
    }

    // One stays frozen: the other must come to an end without it.
    const frozen = pick(daemons, random);
    process.kill(frozen.pid, 'SIGSTOP');
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
