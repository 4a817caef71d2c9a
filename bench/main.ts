import { gate } from './gate.ts';
import { measure } from './measure.ts';
import { type Options, parseOptions } from './options.ts';
import { report } from './report.ts';
import { buildWorlds } from './world.ts';

/**
 * Measures everything in one run, interleaved. Prints the tables at the end, and writes all results as JSON. With
 * --against, exits with 1 where this build is slower than the other.
 */
const asked = parseOptions(process.argv.slice(2));
const worlds = await buildWorlds(asked.against);
// Where there is no disk to measure on, that has been said.
const options = { ...asked, sections: asked.sections.filter((name) => name !== 'disk' || worlds.world.disk) };
try {
  const measured = await measure(worlds, options);
  report(measured, worlds.world, options);
  if (options.against !== undefined) {
    const again = (sections: Options['sections'], rounds: number) =>
      measure(worlds, { ...options, sections, rounds });
    if (!(await gate(measured, again, options))) process.exitCode = 1;
  }
} finally {
  await worlds.before?.close();
  await worlds.world.close();
}
