import { formatCall, type HandlerSettings } from '../core/configuration.ts';
import { didYouMean } from '../core/suggest.ts';
import type { Expand, ReadSteps, Step } from '../core/target-cache.ts';

/** The configured reaction to a channel, ready to work. */
export interface Handler {
  readonly name: string;
  readonly queue: string | undefined;
  /** The key: every column that its lines name; with `expand`, its arguments, and those that the queue table has. */
  readonly columns: readonly string[];
  /** Columns that the queue table must have. */
  readonly required: readonly string[];
  /** What it clears, cache by cache, in order. */
  readonly steps: readonly Step[];
  /** Who names what depends on its keys. */
  readonly expand: Expand | undefined;
  /** Names of the handlers under `then`. */
  readonly followers: readonly string[];
}

/**
 * Makes handlers from their settings, or tells every problem found.
 * @param kinds what reads the steps of each kind of cache
 */
export function parseHandlers(
  settings: readonly HandlerSettings[],
  kinds: readonly ReadSteps[],
): { handlers: Map<string, Handler>; problems: string[] } {
  const problems: string[] = [];
  const ofLines: string[][] = [];
  const handlers = new Map<string, Handler>();
  for (const one of settings) {
    const followers = followersOf(one, settings, problems);
    const read = kinds.map((readSteps) => readSteps(one, followers));
    ofLines.push(read.flatMap((each) => each.problems));
    const { expand: call } = one;
    const parsed = read.flatMap((each) => each.steps);
    const named = [...new Set(parsed.flatMap(({ plans }) => plans.flatMap((plan) => plan.columns)))];
    const required = call ? [...new Set(call.columns)] : named;
    const columns = [...new Set([...required, ...named])];
    const expand = call && { call, queue: one.queue, named };
    const steps = expand ? parsed.map((step): Step => ({ ...step, expand })) : parsed;
    if (one.queue === undefined && call)
      problems.push(
        `[handler.${one.name}] expand = ${formatCall(call)} needs a key, and there is no queue to take it from: add "queue = TABLE"`,
      );
    else if (one.queue === undefined && columns.length > 0) {
      problems.push(
        `[handler.${one.name}] names the column ${columns.join(', ')} but has no queue to take it from: add "queue = TABLE"`,
      );
    }
    const lines = [one.clear, one.followers, one.url ?? [], one.tag ?? []].flat();
    if (lines.length === 0 && one.run === undefined) {
      problems.push(
        `[handler.${one.name}] does nothing: add "clear[] = …", "url[] = …", "tag[] = …", "then = …" or "run = …"`,
      );
    }
    handlers.set(one.name, {
      name: one.name,
      queue: one.queue,
      columns,
      required,
      steps,
      expand,
      followers: followers.map(({ name }) => name),
    });
  }
  return { handlers, problems: [...ofLines.flat(), ...sharedQueues(settings), ...problems] };
}

function followersOf(
  settings: HandlerSettings,
  all: readonly HandlerSettings[],
  problems: string[],
): HandlerSettings[] {
  return settings.followers.flatMap((name) => {
    const bad = (what: string) => {
      problems.push(`[handler.${settings.name}] then = ${name}: ${what}`);
      return [];
    };
    const other = all.find((one) => one.name === name);
    if (!other) {
      const names = all.map((one) => one.name);
      return bad(`there is no section [handler.${name}]${didYouMean(name, names)}`);
    }
    if (other === settings) return bad('a handler cannot follow itself');
    if (other.queue !== undefined)
      return bad('a handler with a queue needs a key, which only its own entries have');
    if (other.followers.length > 0)
      return bad('a handler that has a "then" of its own cannot stand there: name both');
    return [other];
  });
}

/** Only one handler claims an entry, so a second handler on the same table would miss it. */
function sharedQueues(settings: readonly HandlerSettings[]): string[] {
  const problems: string[] = [];
  const owners = new Map<string, string>();
  for (const { name, queue } of settings) {
    if (queue === undefined) continue;
    const owner = owners.get(queue);
    if (owner === undefined) owners.set(queue, name);
    else
      problems.push(
        `[handler.${name}] has the queue ${queue} of [handler.${owner}]: an entry goes to one handler only`,
      );
  }
  return problems;
}
