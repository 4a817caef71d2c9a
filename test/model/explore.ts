/** A small world: a state is a plain JSON value, a step is one atomic action of one of its inhabitants. */
export interface Model<State> {
  readonly start: State;
  /** Every step possible in this state. States are values: copy them, never change the one given. */
  readonly next: (state: State) => Iterable<Step<State>>;
  /** What is broken here, if anything. `quiet` says that no step is possible any more. */
  readonly broken: (state: State, quiet: boolean) => string | undefined;
}

export interface Step<State> {
  readonly label: string;
  readonly state: State;
}

/** All states seen and none broken, or the shortest way into a broken one. */
export type Verdict =
  | { readonly holds: true; readonly states: number; readonly quiet: number }
  | {
      readonly holds: false;
      readonly states: number;
      readonly broken: string;
      readonly trace: readonly string[];
    };

/**
 * Walks every interleaving, breadth first, so that the first broken state found has the shortest trace. Two states
 * are the same when their JSON is: build objects with their keys in one order, and no undefined, Map or Set in them.
 */
export function explore<State>(model: Model<State>, limit = 2_000_000): Verdict {
  const seen = new Set([written(model.start)]);
  let level: Visit<State>[] = [{ state: model.start }];
  let quiet = 0;
  while (level.length > 0) {
    const deeper: Visit<State>[] = [];
    for (const visit of level) {
      const steps = [...model.next(visit.state)];
      if (steps.length === 0) quiet++;
      const broken = model.broken(visit.state, steps.length === 0);
      if (broken !== undefined) return { holds: false, states: seen.size, broken, trace: trace(visit) };
      for (const { label, state } of steps) {
        const key = written(state);
        if (seen.has(key)) continue;
        seen.add(key);
        deeper.push({ state, label, from: visit });
      }
    }
    if (seen.size > limit) throw new Error(`Cannot explore the model: more than ${limit} states`);
    level = deeper;
  }
  return { holds: true, states: seen.size, quiet };
}

interface Visit<State> {
  readonly state: State;
  readonly label?: string;
  readonly from?: Visit<State>;
}

function trace(end: Visit<unknown>): string[] {
  const labels: string[] = [];
  for (let at: Visit<unknown> | undefined = end; at?.label !== undefined; at = at.from)
    labels.unshift(at.label);
  return labels;
}

/** As JSON, with a character for each word: a state's text costs more than all else that is done with it. */
function written(part: unknown): string {
  if (typeof part !== 'object' || part === null) return character(part);
  if (Array.isArray(part)) {
    let items = '[';
    for (const item of part) items += written(item);
    return `${items}]`;
  }
  let text = '{';
  for (const key in part) text += character(key) + written(part[key as keyof typeof part]);
  return `${text}}`;
}

const characters = new Map<unknown, string>();

/** Above all of ASCII, so that none is a bracket. */
function character(word: unknown): string {
  let found = characters.get(word);
  if (found === undefined) {
    found = String.fromCharCode(128 + characters.size);
    characters.set(word, found);
  }
  return found;
}
