import type { Step } from '../model/explore.ts';
import { link, type Name } from './protocol-directory.ts';
import type { Rules, World } from './protocol-world.ts';

/** The next step of one writer, its death in the middle, or a reader that joins it. */
export function* writes(rules: Rules, world: World, writer: number): Iterable<Step<World>> {
  const { directory } = world;
  const at = world.writers[writer] ?? 0;
  const file = world.files[writer];
  const temp: Name =
    rules.temp === 'fixed' ? 'temp' : `${rules.temp === 'unique' ? 'temp' : 'spool'}${writer}`;
  if (at >= rules.steps.length || file === undefined) return;
  const over = { ...world, writers: world.writers.with(writer, rules.steps.length) };
  const on = { ...world, writers: world.writers.with(writer, at + 1) };
  const joinable =
    rules.join === 'any' || (rules.join === 'temp in place' && directory.entries[temp] === writer);
  const who = `writer ${writer}`;
  if (at > 0) {
    yield { label: `${who} dies`, state: over };
    if (world.reader === null && joinable) {
      const reader = { joined: writer, cleared: world.cleared };
      yield { label: `a reader joins the render of ${who}`, state: { ...world, reader } };
    }
  }
  switch (rules.steps[at]) {
    case 'open':
      if (directory.entries[temp] === undefined)
        yield { label: `${who} opens ${temp}`, state: { ...on, directory: link(directory, temp, writer) } };
      else yield { label: `${who} finds ${temp} taken and does not store`, state: over };
      break;
    case 'snapshot':
      yield {
        label: `${who} takes its snapshot`,
        state: { ...on, files: world.files.with(writer, { ...file, version: world.committed }) },
      };
      break;
    case 'write half':
    case 'write rest':
      yield {
        label: `${who} ${rules.steps[at] === 'write half' ? 'writes half' : 'writes the rest'}`,
        state: { ...on, files: world.files.with(writer, { ...file, written: file.written + 1 }) },
      };
      break;
    case 'rename': {
      const source = directory.entries[temp];
      if (source === undefined) yield { label: `${who} finds ${temp} gone and does not store`, state: over };
      else
        yield {
          label: `${who} renames ${temp} to page`,
          state: { ...over, directory: link(link(directory, temp, undefined), 'page', source) },
        };
    }
  }
}
