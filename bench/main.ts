import { loadavg } from 'node:os';
import { measureBacklog } from './backlog.ts';
import { measureDrain } from './drain-command.ts';
import { measureEventWal } from './event-wal.ts';
import { measureFleet } from './fleet.ts';
import { measureGrowth } from './growth.ts';
import { measureIdle } from './idle.ts';
import { measureLatency } from './latency.ts';
import { type Options, parseOptions, type Section } from './options.ts';
import { measureProducers } from './producers.ts';
import { report } from './report.ts';
import { measureStorm } from './storm.ts';
import { buildWorlds, type Worlds } from './world.ts';

/**
 * Measures everything in one run, interleaved. Prints the table at the end, and writes all results as JSON.
 */
const options = parseOptions(process.argv.slice(2));
const worlds = await buildWorlds(options.against);
try {
  report(await measure(worlds, options), worlds.world, options);
} finally {
  await worlds.before?.close();
  await worlds.world.close();
}

async function measure(worlds: Worlds, options: Options) {
  const at = new Date().toISOString();
  const load = [loadavg()];
  const section = async <Result>(name: Section, run: () => Promise<Result>): Promise<Result | undefined> => {
    if (!options.sections.includes(name)) return undefined;
    options.say(`${name} (load average ${loadavg()[0]?.toFixed(1)})`);
    try {
      return await run();
    } catch (error) {
      // The other measurements have taken minutes and must not be lost.
      console.error(`Cannot measure ${name}:`, error);
      process.exitCode = 1;
      return undefined;
    } finally {
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
      measureLatency(worlds, { events: quick ? 100 : 500, everyMs: 20 }, options),
    ),
    loaded: await section('loaded', () =>
      measureLatency(worlds, { events: quick ? 300 : 1_500, everyMs: 5 }, options),
    ),
    eventWal: await section('event-wal', () => measureEventWal(worlds, options)),
    fleet: await section('fleet', () => measureFleet(world, options)),
    storm: await section('storm', () => measureStorm(world, options)),
    producers: await section('producers', () => measureProducers(world, options)),
    growth: await section('growth', () => measureGrowth(worlds, options)),
    idle: await section('idle', () => measureIdle(worlds, options)),
    load: load.map(([one = 0]) => one),
  };
}

export type Measured = Awaited<ReturnType<typeof measure>>;
