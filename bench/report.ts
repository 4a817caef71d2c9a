import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { projectRoot } from '../test/postgres/project-root.ts';
import { mountOf } from './disk.ts';
import { figuresOf } from './figures.ts';
import type { Measured } from './measure.ts';
import type { Options } from './options.ts';
import { publish } from './publish.ts';
import { toTables } from './table.ts';
import type { World } from './world.ts';

/** Prints the tables and writes all measurements to build/bench/result.json. */
export function report(measured: Measured, world: World, options: Options): void {
  const { say, publishes } = options;
  const machine = describeMachine(measured, world, options);
  const file = join(projectRoot, 'build/bench/result.json');
  mkdirSync(join(projectRoot, 'build/bench'), { recursive: true });
  writeFileSync(file, JSON.stringify({ machine, figures: figuresOf(measured), ...measured }, undefined, 1));
  say(`\n${toTables(measured)}\n\n${machine.join('\n')}\n\n${file} has all of it.`);
  if (publishes) publish(measured, machine);
}

function describeMachine(
  { load, at }: Measured,
  { server, memory, disk }: World,
  { rounds, quick }: Options,
): string[] {
  return [
    `${at.slice(0, 10)}; ${cpus().length} × ${cpus()[0]?.model}, ${Math.round(totalmem() / 2 ** 30)} GiB, ${process.platform}; Node ${process.version.slice(1)}, PostgreSQL ${server.version}.`,
    `Pages in memory: ${mountOf(memory)}. On disk: ${disk?.words ?? 'not measured'}. The database: ${mountOf(server.host)}, with fsync.`,
    `${quick ? 'ROUGH: small numbers, for a first look. ' : ''}Median of ${rounds}, interleaved, in one run; load average ${Math.min(...load).toFixed(1)} to ${Math.max(...load).toFixed(1)} meanwhile.`,
  ];
}
