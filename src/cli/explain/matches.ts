import { templatesOf } from '../../caches/files/files-steps.ts';
import type { Handler } from '../../clearing/handler.ts';
import type { Key } from '../../core/contracts.ts';
import type { KeyCandidate } from '../../template/candidate.ts';
import { invert } from '../../template/invert.ts';
import { parseTemplate, type Template } from '../../template/template.ts';

/** A template of a handler, or of one under its `then`, that names a path. */
export interface TemplateMatch {
  readonly handler: Handler;
  readonly template: Pick<Template, 'text' | 'columns' | 'expand'>;
  /** The handler under `then` whose template it is. */
  readonly follower?: string;
  /** The keys that name the path; one without columns if the template names it whatever the key. */
  readonly candidates: readonly KeyCandidate[];
  /** There are still more keys. */
  readonly more: boolean;
}

/** Every template that matches a path. `covers` decides whether a pattern matches it. */
export function findMatches(
  handlers: ReadonlyMap<string, Handler>,
  path: string,
  covers: (pattern: string) => boolean,
): TemplateMatch[] {
  return [...handlers.values()].flatMap((handler) =>
    [
      ...templatesOf(handler).map((template) => ({ handler, template })),
      ...handler.followers.flatMap((name) => {
        const follower = handlers.get(name);
        return follower
          ? templatesOf(follower).map((template) => ({ handler, template, follower: name }))
          : [];
      }),
    ].flatMap((one) => {
      const { candidates, more } = invert(one.template, path, covers);
      return candidates.length > 0 ? [{ ...one, candidates, more }] : [];
    }),
  );
}

/** Whether an entry with this key would clear the path, by one of these templates. */
export function matchesKey(
  matches: readonly TemplateMatch[],
  key: Key,
  covers: (pattern: string) => boolean,
): boolean {
  return matches.some(({ template }) => {
    try {
      return covers(template.expand(key));
    } catch {
      return false;
    }
  });
}

/**
 * The values that a key column must have, where all of them are known: entries with others need not be read.
 * Undefined if any value is possible.
 */
export function possibleValues(matches: readonly TemplateMatch[], column: string): string[] | undefined {
  const values = new Set<string>();
  for (const { candidates, more } of matches) {
    for (const { key, alternatives } of candidates) {
      const value = key[column];
      if (more || value === undefined || value === null || alternatives[column] !== undefined)
        return undefined;
      values.add(value);
    }
  }
  return [...values];
}

/**
 * For a path no template matches: the template that matches the most leading components, and those
 * components.
 */
export function nearestTemplate(
  handlers: ReadonlyMap<string, Handler>,
  path: string,
  covers: (pattern: string) => boolean,
): { handler: string; template: string; beginning: string } | undefined {
  let best: { handler: string; template: string; beginning: string; depth: number } | undefined;
  for (const handler of handlers.values()) {
    for (const { text } of templatesOf(handler)) {
      const components = text.match(/(?:\{[^{}]*\}|[^/{}])+/g) ?? [];
      for (let depth = components.length - 1; depth > (best?.depth ?? 0); depth--) {
        const beginning = components.slice(0, depth).join('/');
        if (invert(parseTemplate(beginning), path, covers).candidates.length > 0)
          best = { handler: handler.name, template: text, beginning, depth };
      }
    }
  }
  return best;
}
