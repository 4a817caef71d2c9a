import { didYouMean } from '../../core/suggest.ts';
import type { RawFile } from './configparser.ts';

/** Python stops at this depth: something refers to itself. */
const deepest = 10;

/**
 * A value with its `%(NAME)s` replaced, from the section or [DEFAULT], and `%%` as `%`, as Python's
 * BasicInterpolation does. Throws an Error that completes "NAME …" and does not show the value.
 */
export function interpolate(text: string, file: RawFile, section: string): string {
  const known = new Map([...file.defaults, ...(file.sections.get(section)?.options ?? [])]);
  return expand(text, 1);

  function expand(rest: string, depth: number): string {
    if (depth > deepest) throw new Error(`refers to itself, or over ${deepest} deep`);
    return rest.replace(/%(?:(%)|\(([^)]+)\)s)?/gs, (_all, percent?: string, name?: string) => {
      if (percent !== undefined) return '%';
      if (name === undefined) {
        throw new Error('has a "%" that is neither %% nor %(NAME)s: write %%, and %%s where a value goes');
      }
      const found = known.get(name.toLowerCase());
      if (!found) {
        const names = [...known.keys()].map((one) => one.toUpperCase());
        throw new Error(`refers to %(${name})s, which is not set${didYouMean(name, names)}`);
      }
      return found.text.includes('%') ? expand(found.text, depth + 1) : found.text;
    });
  }
}

/** Lower-case names that values of the section refer to. */
export function references(file: RawFile, section: string): Set<string> {
  const options = [file.defaults, file.sections.get(section)?.options ?? new Map()];
  return new Set(
    options.flatMap((all) =>
      [...all.values()].flatMap(({ text }) =>
        [...text.matchAll(/%\(([^)]+)\)s/g)].map(([, name = '']) => name.toLowerCase()),
      ),
    ),
  );
}
