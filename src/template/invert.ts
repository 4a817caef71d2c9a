import type { Key } from '../core/contracts.ts';
import { type PatternToken, tokensOf } from '../core/pattern.ts';
import { type ColumnText, candidateFor, type KeyCandidate } from './candidate.ts';
import type { Part, Template } from './template.ts';

export interface Inverse {
  /**
   * Each makes the template match the path; every other key that does so differs from one of these only in
   * its `alternatives`.
   */
  readonly candidates: readonly KeyCandidate[];
  /** There are more than the limit. */
  readonly more: boolean;
}

/** If a page's template has more keys than this, listing all of them does not explain it better. */
const maxCandidates = 20;
const mostSteps = 5_000;

/**
 * Inverts a template: finds the keys with which it names a path. A column takes any text that lets the rest
 * match, which is more than can be right. So each key is expanded by the template again, and `names` decides
 * whether the resulting pattern names the path.
 */
export function invert(template: Template, path: string, covers: (pattern: string) => boolean): Inverse {
  return invertTokens(template.parts.flatMap(toTokens), path, (key) => leadsTo(template, key, covers));
}

/**
 * The same for what is no pattern of files.
 * @param leads whether a key that the texts suggest is right
 * @param read what a column's text says, if it is not the text itself
 */
export function invertTokens(
  tokens: readonly Token[],
  path: string,
  leads: (key: Key) => boolean,
  read = (text: string) => text,
): Inverse {
  const candidates = new Map<string, KeyCandidate>();
  let steps = 0;
  for (const texts of assignments(tokens, path)) {
    const guess = texts && candidateFor(texts.map((one) => ({ ...one, text: read(one.text) })));
    if (guess && leads(guess.key)) candidates.set(JSON.stringify(guess.key), guess);
    steps += 1;
    if (candidates.size === maxCandidates || steps === mostSteps)
      return { candidates: [...candidates.values()], more: true };
  }
  return { candidates: [...candidates.values()], more: false };
}

function leadsTo(
  template: Pick<Template, 'expand'>,
  key: Key,
  covers: (pattern: string) => boolean,
): boolean {
  try {
    return covers(template.expand(key));
  } catch {
    return false;
  }
}

export type Token = PatternToken | Extract<Part, { kind: 'column' }>;

/** A trailing "/" names a directory: the path continues below it, or is the directory itself. */
function toTokens(part: Part): Token[] {
  return part.kind === 'column' ? [part] : tokensOf(part.text);
}

/**
 * Every way to match the tokens with the path, up to its end or to the end of a directory in it, which is
 * deleted with its contents. Yields undefined at each step, so that the caller can stop: `*` and `{a}{b}` can
 * match in very many ways.
 */
function* assignments(tokens: readonly Token[], path: string): Generator<ColumnText[] | undefined> {
  const dead = deadEnds(tokens, path);
  const seen = new Set<string>();
  const open: { token: number; at: number; texts: ColumnText[] }[] = [{ token: 0, at: 0, texts: [] }];
  for (let state = open.pop(); state; state = open.pop()) {
    const { token, at, texts } = state;
    const name = JSON.stringify([token, at, texts.map(({ text }) => text)]);
    if (dead(token, at) || seen.has(name)) continue;
    seen.add(name);
    const next = tokens[token];
    if (next === undefined) {
      yield texts;
      continue;
    }
    yield undefined;
    for (const end of endsOf(next, path, at)) {
      const text = path.slice(at, end);
      open.push({
        token: token + 1,
        at: end,
        texts:
          next.kind === 'column'
            ? [...texts, { column: next.column, formatName: next.formatName, text }]
            : texts,
      });
    }
  }
}

/**
 * Knows from where the remaining tokens cannot reach an end: without it some patterns of `*` take exponential
 * time.
 */
function deadEnds(tokens: readonly Token[], path: string): (token: number, at: number) => boolean {
  const known = new Map<number, boolean>();
  const dead = (token: number, at: number): boolean => {
    const next = tokens[token];
    if (next === undefined) return !isEnd(path, at);
    const place = token * (path.length + 1) + at;
    let answer = known.get(place);
    if (answer === undefined) {
      answer = endsOf(next, path, at).every((end) => dead(token + 1, end));
      known.set(place, answer);
    }
    return answer;
  };
  return dead;
}

function isEnd(path: string, at: number): boolean {
  return at === path.length || path[at] === '/' || (at > 0 && isBeginning(path, at));
}

/** Where a token that begins at `at` can end. */
function endsOf(token: Token, path: string, at: number): number[] {
  switch (token.kind) {
    case 'character':
      if (path.startsWith(token.character, at)) return [at + token.character.length];
      // Behind the path "/", which has no name.
      if (token.character === '/' && isBeginning(path, at)) return [at];
      // The trailing "/" of a template, where the path is that directory.
      return token.character === '/' && at === path.length ? [at] : [];
    case 'any':
    case 'set': {
      const character = String.fromCodePoint(path.codePointAt(at) ?? 47);
      return character === '/' ? [] : [at + character.length];
    }
    case 'run':
      return upTo(path, at, componentEnd(path, at));
    case 'column': {
      const end = token.format.reach === 'name' ? componentEnd(path, at) : path.length;
      return upTo(path, at, end).slice(token.format.reach === 'path' && isBeginning(path, at) ? 0 : 1);
    }
    default:
      return token satisfies never;
  }
}

function isBeginning(path: string, at: number): boolean {
  return at === 0 || path[at - 1] === '/';
}

function componentEnd(path: string, at: number): number {
  const slash = path.indexOf('/', at);
  return slash === -1 ? path.length : slash;
}

function upTo(path: string, at: number, end: number): number[] {
  const ends: number[] = [];
  for (let one = at; one <= Math.min(end, path.length); one++) ends.push(one);
  return ends;
}
