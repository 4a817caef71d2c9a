import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { projectRoot } from '../test/postgres/project-root.ts';
import type { Measured } from './measure.ts';
import { plotsOf } from './plots.ts';
import { toTables } from './table.ts';

const begin = '<!-- bench: begin -->';
const end = '<!-- bench: end -->';

/** Writes the plots, and writes the tables and the machine between the markers of doc/performance.md. */
export function publish(measured: Measured, machine: readonly string[]): void {
  const doc = join(projectRoot, 'doc');
  const plots = plotsOf(measured);
  for (const [name, svg] of plots) writeFileSync(join(doc, name), svg);
  const file = join(doc, 'performance.md');
  const before = readFileSync(file, 'utf8');
  const [from, to] = [before.indexOf(begin), before.indexOf(end)];
  if (from < 0 || to < from)
    throw new Error(`Cannot publish in ${file}: put ${begin} and ${end} where it shall stand`);
  const images = [...plots].map(([name, svg]) => `![${/<title>(.*)<\/title>/.exec(svg)?.[1]}](${name})`);
  const text = [machine.join('  \n'), toTables(measured), images.join('\n')].join('\n\n');
  writeFileSync(file, `${before.slice(0, from)}${begin}\n${text}\n${before.slice(to)}`);
}
