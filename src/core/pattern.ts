/**
 * A pattern names files below root: components joined by `/`, in which `*`, `?` and `[…]` are wildcards and
 * `\` takes the meaning from the character after it. A trailing `/` names a directory. Templates make
 * patterns (template/template.ts), the filesystem matches them (filesystem/match.ts); this file is all that
 * the two share, and the only reader of the grammar.
 *
 * Two others look alike and are not: an fp-listen.ini has Python's globs, without backslashes
 * (config/fp-listen/path.ts), and clearing/shell-syntax.ts looks in templates for what a shell would
 * understand and a pattern does not.
 */

export type PatternToken =
  /** Any run of characters. */
  | { readonly kind: 'run' }
  /** Any one character. */
  | { readonly kind: 'any' }
  /** One character that is in a range, or in none of them. */
  | { readonly kind: 'set'; readonly ranges: readonly CharacterRange[]; readonly negated: boolean }
  | { readonly kind: 'character'; readonly character: string };

/** Code points; a single character begins and ends its range. */
export interface CharacterRange {
  readonly first: number;
  readonly last: number;
}

/** Of a regular expression: the brackets with what is in them. */
export const setSource = String.raw`\[(?<negation>[!^]?)(?<members>(?:\\.|[^\]\\/])+)\]`;

const token = new RegExp(String.raw`\\(?<escaped>.)|(?<star>\*)|(?<mark>\?)|${setSource}|(?<plain>.)`, 'gsu');

/**
 * What a pattern, or a part of it, is made of. A `[` without its `]`, and a backslash at the end, stand for
 * themselves.
 */
export function tokensOf(pattern: string): PatternToken[] {
  return Array.from(pattern.matchAll(token), ({ groups = {} }): PatternToken => {
    const { escaped, star, mark, negation, members, plain } = groups;
    if (star !== undefined) return { kind: 'run' };
    if (mark !== undefined) return { kind: 'any' };
    if (members !== undefined) return { kind: 'set', ranges: rangesOf(members), negated: negation !== '' };
    return { kind: 'character', character: escaped ?? plain ?? '' };
  });
}

/** What is in brackets: a `-` at the beginning or the end, or behind a range, is a character. */
export function rangesOf(members: string): CharacterRange[] {
  return Array.from(members.matchAll(/(\\.|[^\\])-(\\.|[^\\])|\\.|./gsu), ([one, from = one, to = one]) => ({
    first: codePoint(unescapeData(from)),
    last: codePoint(unescapeData(to)),
  }));
}

function codePoint(character: string): number {
  return character.codePointAt(0) ?? 0;
}

const special = /[*?[\]\\]/g;

/** Data in a pattern stands for itself. */
export function escapeData(data: string): string {
  return data.replace(special, '\\$&');
}

export function isWild(component: string): boolean {
  return /[*?[]/.test(component.replace(/\\./gs, ''));
}

/** The name that a component without wildcards stands for. */
export function unescapeData(component: string): string {
  return component.replace(/\\(.)/gs, '$1');
}
