import type { Key } from '../core/contracts.ts';
import type { Guess } from './guess.ts';
import type { Handler } from './handler.ts';
import { invert } from './inverse.ts';
import { parseTemplate, type Template } from './template.ts';

/** A template of a handler's, or of one under its `then`, that names a path. */
export interface Reason {
  readonly handler: Handler;
  readonly template: Template;
  /** The handler under `then` whose template it is. */
  readonly follower?: string;
  /** The keys with which it does; one without columns where it names the path whatever the key. */
  readonly guesses: readonly Guess[];
  /** There are still more keys. */
  readonly more: boolean;
}

/** Every reason that there is to clear a path. `names` tells whether a pattern names it. */
export function reasonsFor(
  handlers: ReadonlyMap<string, Handler>,
  path: string,
  names: (pattern: string) => boolean,
): Reason[] {
  return [...handlers.values()].flatMap((handler) =>
    [
      ...handler.templates.map((template) => ({ handler, template })),
      ...handler.followers.flatMap((follower) =>
        (handlers.get(follower)?.templates ?? []).map((template) => ({ handler, template, follower })),
      ),
    ].flatMap((one) => {
      const { guesses, more } = invert(one.template, path, names);
      return guesses.length > 0 ? [{ ...one, guesses, more }] : [];
    }),
  );
}

/** Whether an entry with this key would have the path cleared, by one of these reasons. */
export function isNamedBy(
  reasons: readonly Reason[],
  key: Key,
  names: (pattern: string) => boolean,
): boolean {
  return reasons.some(({ template }) => {
    try {
      return names(template.expand(key));
    } catch {
      return false;
    }
  });
}

/**
 * The values that a key column must have, where these are known in full: entries with others need not be looked at. Undefined where
 * any could do.
 */
export function valuesOf(reasons: readonly Reason[], column: string): string[] | undefined {
  const values = new Set<string>();
  for (const { guesses, more } of reasons) {
    for (const { key, loose } of guesses) {
      const value = key[column];
      if (more || value === undefined || value === null || loose[column] !== undefined) return undefined;
      values.add(value);
    }
  }
  return [...values];
}

/** Of a path that no template names: the template whose beginning does for the longest, and that beginning. */
export function nearestTemplate(
  handlers: ReadonlyMap<string, Handler>,
  path: string,
  names: (pattern: string) => boolean,
): { handler: string; template: string; beginning: string } | undefined {
  let best: { handler: string; template: string; beginning: string; depth: number } | undefined;
  for (const { name, templates } of handlers.values()) {
    for (const { text } of templates) {
      const components = text.match(/(?:\{[^{}]*\}|[^/{}])+/g) ?? [];
      for (let depth = components.length - 1; depth > (best?.depth ?? 0); depth--) {
        const beginning = components.slice(0, depth).join('/');
        if (invert(parseTemplate(beginning), path, names).guesses.length > 0)
          best = { handler: name, template: text, beginning, depth };
      }
    }
  }
  return best;
}
