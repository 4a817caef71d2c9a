import { loadavg } from 'node:os';
import { measureBacklog } from './backlog.ts';
import { measureBarrier } from './barrier.ts';
import { measureDrain } from './drain-command.ts';
import { measureEventWal } from './event-wal.ts';
import { measureExpand } from './expand.ts';
import { measureFleet } from './fleet.ts';
import { measureGrowth } from './growth.ts';
import { measureIdle } from './idle.ts';
import { measureLatency } from './latency.ts';
import { measureMemoryCache } from './memory-cache.ts';
import { measureNotifications } from './notifications.ts';
import type { Options, Section } from './options.ts';
import { measureProducers } from './producers.ts';
import { measurePurges } from './purges.ts';
import { measureStarts } from './start.ts';
import { measureStorm } from './storm.ts';
import type { Worlds } from './world.ts';
import { measureZones } from './zones.ts';

/** The sections that are asked for, one after the other. One that cannot be measured is undefined. */
export async function measure(worlds: Worlds, options: Options) {
  const at = new Date().toISOString();
  const load = [loadavg()];
  const section = async <Result>(name: Section, run: () => Promise<Result>): Promise<Result | undefined> => {
    if (!options.sections.includes(name)) return undefined;
    const started = performance.now();
    options.say(`${name} (load average ${loadavg()[0]?.toFixed(1)})`);
    try {
      return await run();
    } catch (error) {
      // The other measurements have taken minutes and must not be lost.
      console.error(`Cannot measure ${name}:`, error);
      process.exitCode = 1;
      return undefined;
    } finally {
      options.say(`  ${((performance.now() - started) / 1_000).toFixed(0)} s`);
      load.push(loadavg());
    }
  };
  const { world } = worlds;
  const { disk } = world;
  const { quick } = options;
  return {
    at,
    memory: await section('memory', () => measureBacklog(worlds, world.memory, options)),
    disk: disk && (await section('disk', () => measureBacklog(worlds, disk.path, options))),
    drain: await section('drain', () => measureDrain(worlds, options)),
    latency: await section('latency', () =>
      measureLatency(worlds, { events: quick ? 50 : 500, everyMs: 20 }, options),
    ),
    loaded: await section('loaded', () =>
      measureLatency(worlds, { events: quick ? 200 : 1_500, everyMs: 5 }, options),
    ),
    eventWal: await section('event-wal', () => measureEventWal(worlds, options)),
    fleet: await section('fleet', () => measureFleet(world, options)),
    storm: await section('storm', () => measureStorm(worlds, options)),
    producers: await section('producers', () => measureProducers(world, options)),
    growth: await section('growth', () => measureGrowth(worlds, options)),
    idle: await section('idle', () => measureIdle(worlds, options)),
    purges: await section('purges', () => measurePurges(options)),
    zones: await section('zones', () => measureZones(world, options)),
    memoryCache: await section('memory-cache', () => measureMemoryCache(world, options)),
    barrier: await section('barrier', () => measureBarrier(world, options)),
    notifications: await section('notifications', () => measureNotifications(world, options)),
    expand: await section('expand', () => measureExpand(world, options)),
    starts: await section('start', () => measureStarts(worlds, options)),
    load: load.map(([one = 0]) => one),
  };
}

export type Measured = Awaited<ReturnType<typeof measure>>;
