import type { Step } from '../model/explore.ts';
import { beginListing, endListing, link, possibleListings } from './protocol-directory.ts';
import type { Rules, World } from './protocol-world.ts';

/**
 * The next step of the daemon: list, delete what was listed, list again, and possibly all of this once more.
 */
export function* clears(rules: Rules, world: World): Iterable<Step<World>> {
  const { clearing, directory } = world;
  if (clearing === null) {
    if (world.cleared < world.committed)
      yield {
        label: 'the clearing begins',
        state: { ...world, clearing: { upTo: world.committed, pass: 0, todo: null, again: false } },
      };
    return;
  }
  const listings = clearing.again ? rules.listings : (rules.first ?? rules.listings);
  const kinds = listings[clearing.pass];
  if (kinds === undefined) {
    if (!rules.settle || clearing.again)
      yield { label: 'the clearing ends', state: { ...world, cleared: clearing.upTo, clearing: null } };
    else if (
      rules.settle === 'at once' ||
      !world.writers.some((at, writer) => rendersBefore(rules, world, writer, at, clearing.upTo))
    )
      yield { label: 'it settles', state: { ...world, clearing: { ...clearing, pass: 0, again: true } } };
  } else if (clearing.todo === null) {
    if (directory.listing === null)
      yield { label: 'it begins to list', state: { ...world, directory: beginListing(directory) } };
    for (const names of possibleListings(directory)) {
      const todo = names.filter((name) => kinds.some((kind) => name.startsWith(kind)));
      yield {
        label: `it ends listing: ${names.join(', ') || 'nothing'}`,
        state: { ...world, directory: endListing(directory), clearing: { ...clearing, todo } },
      };
    }
  } else if (clearing.todo.length === 0) {
    yield {
      label: 'it has deleted what it listed',
      state: { ...world, clearing: { ...clearing, pass: clearing.pass + 1, todo: null } },
    };
  } else {
    const kind = kinds.find((each) => clearing.todo?.some((name) => name.startsWith(each)));
    for (const name of clearing.todo.filter((each) => each.startsWith(kind ?? '')))
      yield {
        label: `it deletes ${name}${directory.entries[name] === undefined ? ', which is gone already' : ''}`,
        state: {
          ...world,
          directory: link(directory, name, undefined),
          clearing: { ...clearing, todo: clearing.todo.filter((each) => each !== name) },
        },
      };
  }
}

/**
 * The settle time is longer than the slowest render, so every render that may miss the change has ended after
 * it.
 */
function rendersBefore(rules: Rules, world: World, writer: number, at: number, change: number): boolean {
  const version = world.files[writer]?.version ?? -1;
  return at < rules.steps.length && version >= 0 && version < change;
}
