import type { HandlerSettings } from '../core/configuration.ts';
import { didYouMean } from '../core/suggest.ts';
import { parseTemplate, type Template } from '../template/template.ts';

/** The configured reaction to a channel, ready to work. */
export interface Handler {
  readonly name: string;
  readonly queue: string | undefined;
  /** The key: every column that its templates name. */
  readonly columns: readonly string[];
  readonly templates: readonly Template[];
  /** Names of the handlers under `then`. */
  readonly followers: readonly string[];
  /** Patterns cleared once for each batch: templates of the handlers under `then`. */
  readonly sharedPatterns: readonly string[];
  /** The handler that each of these patterns belongs to. */
  readonly followerOf: ReadonlyMap<string, string>;
  /**
   * Commands run once for each batch, its own and those of the handlers under `then`; each is a program and
   * its arguments.
   */
  readonly commands: readonly (readonly string[])[];
}

/** Makes handlers from their settings, or throws an error with every problem found. */
export function parseHandlers(settings: readonly HandlerSettings[]): {
  handlers: Map<string, Handler>;
  problems: string[];
} {
  const problems: string[] = [];
  const parsed = new Map(settings.map((one) => [one.name, parseTemplates(one, problems)]));
  problems.push(...sharedQueues(settings));

  const handlers = new Map<string, Handler>();
  for (const one of settings) {
    const templates = parsed.get(one.name) ?? [];
    const followers = followersOf(one, settings, problems);
    const columns = [...new Set(templates.flatMap((template) => template.columns))];
    if (one.queue === undefined && columns.length > 0) {
      problems.push(
        `[handler.${one.name}] names the column ${columns.join(', ')} but has no queue to take it from: add "queue = TABLE"`,
      );
    }
    if (one.clear.length === 0 && one.followers.length === 0 && one.run === undefined) {
      problems.push(`[handler.${one.name}] does nothing: add "clear[] = …", "then = …" or "run = …"`);
    }
    const shared = followers.flatMap(({ name }) =>
      (parsed.get(name) ?? []).map(({ text }): [pattern: string, follower: string] => [text, name]),
    );
    handlers.set(one.name, {
      name: one.name,
      queue: one.queue,
      columns,
      templates,
      followers: followers.map(({ name }) => name),
      sharedPatterns: shared.map(([pattern]) => pattern),
      followerOf: new Map(shared),
      commands: [one, ...followers].flatMap((other) =>
        other.run === undefined ? [] : [other.run.split(/\s+/)],
      ),
    });
  }
  return { handlers, problems };
}

/** Every directory that some template names literally, and each directory above it, as paths below root. */
export function frontsOf(handlers: Iterable<Handler>): string[] {
  const fronts = new Set<string>();
  for (const { templates } of handlers) {
    for (const { front } of templates) {
      const components = front === '' ? [] : front.split('/');
      for (const at of components.keys()) fronts.add(components.slice(0, at + 1).join('/'));
    }
  }
  return [...fronts];
}

function parseTemplates(settings: HandlerSettings, problems: string[]): Template[] {
  return settings.clear.flatMap((text) => {
    try {
      return [parseTemplate(text)];
    } catch (error) {
      problems.push(`[handler.${settings.name}] ${(error as Error).message}`);
      return [];
    }
  });
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
