import type { Key } from '../core/contracts.ts';
import { type ColumnText, type Guess, guessKey } from './guess.ts';
import type { Part, Template } from './template.ts';

export interface Inverse {
  /** Each makes the template name the path; every key that does is one of these, or differs from one where it is loose. */
  readonly guesses: readonly Guess[];
  /** There are more than were looked for. */
  readonly more: boolean;
}

/** A page whose template has more keys than this is not explained better by all of them. */
const mostGuesses = 20;
const mostSteps = 5_000;

/**
 * Turns a template around: the keys with which it names a path. Columns take whatever text lets the rest match, which is more than
 * can be right; so each key is put into the template again, and `names` tells whether the pattern that comes out names the path.
 */
export function invert(template: Template, path: string, names: (pattern: string) => boolean): Inverse {
  const guesses = new Map<string, Guess>();
  let steps = 0;
  for (const texts of assignments(template.parts.flatMap(toTokens), path)) {
    const guess = texts && guessKey(texts);
    if (guess && leadsTo(template, guess.key, names)) guesses.set(JSON.stringify(guess.key), guess);
    steps += 1;
    if (guesses.size === mostGuesses || steps === mostSteps)
      return { guesses: [...guesses.values()], more: true };
  }
  return { guesses: [...guesses.values()], more: false };
}

function leadsTo(template: Template, key: Key, names: (pattern: string) => boolean): boolean {
  try {
    return names(template.expand(key));
  } catch {
    return false;
  }
}

type Token =
  | { kind: 'character'; character: string }
  | { kind: 'one' }
  | { kind: 'any' }
  | Extract<Part, { kind: 'column' }>;

function toTokens(part: Part): Token[] {
  if (part.kind === 'column') return [part];
  // A trailing "/" names a directory: what is in it comes after it in the path, or the path is the directory itself.
  const token = /\\(.)|(\*)|(\?|\[[!^]?(?:\\.|[^\]\\])+\])|(.)/gsu;
  return [...part.text.matchAll(token)].map(([, escaped, star, one, plain]): Token => {
    if (star !== undefined) return { kind: 'any' };
    if (one !== undefined) return { kind: 'one' };
    return { kind: 'character', character: escaped ?? plain ?? '' };
  });
}

/**
 * Every way to lay the tokens along the path, up to its end or to the end of a directory in it, for that goes with its contents. Yields
 * undefined at each step, so that the caller can lose patience: `*` and `{a}{b}` can be laid in very many ways.
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

/** Tells from where the tokens left cannot reach an end: without it some patterns of `*` take exponential time. */
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
  return at === path.length || path[at] === '/' || (at > 0 && path[at - 1] === '/');
}

/** Where a token that begins at `at` can end. */
function endsOf(token: Token, path: string, at: number): number[] {
  switch (token.kind) {
    case 'character':
      if (path.startsWith(token.character, at)) return [at + token.character.length];
      // The trailing "/" of a template, and the path is that directory.
      return token.character === '/' && at === path.length ? [at] : [];
    case 'one': {
      const character = String.fromCodePoint(path.codePointAt(at) ?? 47);
      return character === '/' ? [] : [at + character.length];
    }
    case 'any':
      return upTo(path, at, componentEnd(path, at));
    case 'column': {
      const end = token.format.reach === 'name' ? componentEnd(path, at) : path.length;
      return upTo(path, at, end).slice(1);
    }
    default:
      return token satisfies never;
  }
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
