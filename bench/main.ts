import { loadavg } from 'node:os';
import { measureBacklog } from './backlog.ts';
import { parseOptions } from './options.ts';
import { buildWorld } from './world.ts';

const options = parseOptions(process.argv.slice(2));
const wanted = (section: string) => options.only.length === 0 || options.only.includes(section);
const world = await buildWorld();
try {
  options.say(`load ${loadavg()}`);
  if (wanted('memory')) await measureBacklog(world, world.memory, options);
  if (wanted('disk') && world.disk) await measureBacklog(world, world.disk.path, options);
} finally {
  await world.close();
}
