/** A small world. A state is a plain JSON value. A step is one atomic action of one of its actors. */
export interface Model<State> {
  readonly start: State;
  /** Every step that is possible in this state. States are values: copy them, never change the given one. */
  readonly next: (state: State) => Iterable<Step<State>>;
  /** What is broken in this state, if anything. `quiet`: no step is possible any more. */
  readonly broken: (state: State, quiet: boolean) => string | undefined;
}

export interface Step<State> {
  readonly label: string;
  readonly state: State;
}

/** All states explored and none broken, or the shortest path to a broken state. */
export type Verdict =
  | { readonly holds: true; readonly states: number; readonly quiet: number }
  | {
      readonly holds: false;
      readonly states: number;
      readonly broken: string;
      readonly trace: readonly string[];
    };

/**
 * Explores every interleaving, breadth first, so that the first broken state has the shortest trace. Two
 * states are equal when their JSON is. So build objects with their keys in one order, without undefined, Map
 * or Set.
 */
export function explore<State>(model: Model<State>, limit = 2_000_000): Verdict {
  const seen = new Set([written(model.start)]);
  let level: Visit<State>[] = [{ state: model.start, way: undefined }];
  let quiet = 0;
  while (level.length > 0) {
    const deeper: Visit<State>[] = [];
    for (const { state: here, way } of level) {
      const steps = [...model.next(here)];
      if (steps.length === 0) quiet++;
      const broken = model.broken(here, steps.length === 0);
      if (broken !== undefined) return { holds: false, states: seen.size, broken, trace: trace(way) };
      for (const { label, state } of steps) {
        const before = seen.size;
        if (seen.add(written(state)).size > before) deeper.push({ state, way: { label, from: way } });
      }
    }
    if (seen.size > limit) throw new Error(`Cannot explore the model: more than ${limit} states`);
    level = deeper;
  }
  return { holds: true, states: seen.size, quiet };
}

interface Visit<State> {
  readonly state: State;
  readonly way: Way | undefined;
}

/** Without the states: only those of one level are in memory. */
interface Way {
  readonly label: string;
  readonly from: Way | undefined;
}

function trace(end: Way | undefined): string[] {
  const labels: string[] = [];
  for (let at = end; at; at = at.from) labels.unshift(at.label);
  return labels;
}

/** A state in bytes, one byte for most words. Serialising a state costs more than all other work on it. */
function written(state: unknown): string {
  const length = write(state, 0);
  if (length > bytes.length) throw new Error(`Cannot tell states apart: one takes ${length} bytes`);
  return bytes.toString('latin1', 0, length);
}

const bytes = Buffer.alloc(65_536);
const array = 0;
const object = 1;
const end = 2;
const more = 255;

/** Writes `part` at `at`, and returns the end of it. */
function write(part: unknown, at: number): number {
  if (typeof part !== 'object' || part === null) return writeWord(part, at);
  let next = at;
  bytes[next++] = Array.isArray(part) ? array : object;
  if (Array.isArray(part)) for (const item of part) next = write(item, next);
  else for (const key in part) next = write(part[key as keyof typeof part], writeWord(key, next));
  bytes[next++] = end;
  return next;
}

function writeWord(word: unknown, at: number): number {
  let next = at;
  let number = numberOf(word);
  for (; number >= more; number -= more) bytes[next++] = more;
  bytes[next++] = number;
  return next;
}

const numbers = new Map<unknown, number>();

function numberOf(word: unknown): number {
  let found = numbers.get(word);
  if (found === undefined) {
    found = numbers.size + end + 1;
    numbers.set(word, found);
  }
  return found;
}
