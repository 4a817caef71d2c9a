import { type Dependency, isConcerned, type NotifiedKey } from './dependency.ts';

/** A dependency that somebody has. Interned: those who have the same one share it. */
export interface Shared<Dependent extends object> extends Dependency {
  readonly shape: Shape<Dependent>;
  readonly id: string;
  /** Nearly always there is one, and a set would take twice its memory. */
  dependents: Dependent | Set<Dependent> | undefined;
}

/** All dependencies on a channel by the same columns, by their values. */
interface Shape<Dependent extends object> {
  readonly columns: readonly string[];
  readonly shared: Map<string, Shared<Dependent>>;
}

/**
 * Finds who depends on a notified key, by one look-up for each set of columns in use. (To look up each subset of
 * the key's columns would be 256 look-ups for a key of eight.)
 */
export class DependencyIndex<Dependent extends object> {
  readonly #channels = new Map<string, Map<string, Shape<Dependent>>>();
  #size = 0;

  /** How many different dependencies there are. */
  get size(): number {
    return this.#size;
  }

  add(dependency: Dependency, dependent: Dependent): Shared<Dependent> {
    const shape = this.#shape(dependency);
    const id = idOf(dependency.values);
    let shared = shape.shared.get(id);
    if (shared === undefined) {
      const { channel, values } = dependency;
      shared = { channel, columns: shape.columns, values, shape, id, dependents: undefined };
      shape.shared.set(id, shared);
      this.#size += 1;
    }
    const { dependents } = shared;
    if (dependents instanceof Set) dependents.add(dependent);
    else if (dependents === undefined) shared.dependents = dependent;
    else if (dependents !== dependent) shared.dependents = new Set([dependents, dependent]);
    return shared;
  }

  remove(shared: Shared<Dependent>, dependent: Dependent): void {
    const { dependents, shape, channel, id } = shared;
    if (dependents instanceof Set) {
      dependents.delete(dependent);
      if (dependents.size > 0) return;
    } else if (dependents !== dependent) return;
    shared.dependents = undefined;
    if (!shape.shared.delete(id)) return;
    this.#size -= 1;
    if (shape.shared.size > 0) return;
    const shapes = this.#channels.get(channel);
    shapes?.delete(idOf(shape.columns));
    if (shapes?.size === 0) this.#channels.delete(channel);
  }

  /** They may be removed while they are read. One that depends on the key in two ways comes twice. */
  *concerned(channel: string, key: NotifiedKey): Iterable<Dependent> {
    for (const shape of this.#channels.get(channel)?.values() ?? [])
      for (const { dependents } of matching(shape, key))
        if (dependents instanceof Set) yield* dependents;
        else if (dependents !== undefined) yield dependents;
  }

  #shape({ channel, columns }: Dependency): Shape<Dependent> {
    const shapes = this.#channels.get(channel) ?? new Map<string, Shape<Dependent>>();
    this.#channels.set(channel, shapes);
    const name = idOf(columns);
    const shape = shapes.get(name) ?? { columns, shared: new Map() };
    shapes.set(name, shape);
    return shape;
  }
}

function* matching<Dependent extends object>(
  { columns, shared }: Shape<Dependent>,
  key: NotifiedKey,
): Iterable<Shared<Dependent>> {
  const values = columns.map((column) => key?.get(column));
  if (values.every((value) => value !== undefined)) {
    const found = shared.get(idOf(values));
    if (found !== undefined) yield found;
  } else {
    for (const one of shared.values()) if (isConcerned(one, key)) yield one;
  }
}

/** PostgreSQL's text has no NUL. */
function idOf(values: readonly (string | null)[]): string {
  return values.map((value) => (value === null ? 'n' : `v${value}`)).join('\0');
}
