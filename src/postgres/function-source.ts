/** A name in SQL, folded as PostgreSQL folds it; the schema if it is written. */
export interface WrittenName {
  readonly schema?: string;
  readonly name: string;
}

const identifier = String.raw`"(?:[^"]|"")+"|[\p{L}_][\p{L}\p{N}_$]*`;

/**
 * NOTIFY at the beginning of a statement or a string; if the text goes on after the name, the name is
 * computed.
 */
const notification = new RegExp(
  String.raw`\b(pg_notify)\s*\(\s*(?:'((?:[^']|'')*)'(?=\s*(?:::\s*\w+\s*)?,))?|` +
    String.raw`(?<=(?:^|[;'"]|\b(?:then|begin|else|loop))\s*)notify\b(?:\s+(${identifier})(?!\s*'?\s*\|\||[\p{L}\p{N}_$%]))?`,
  'giu',
);

/**
 * What can be read in the source of a function. It is not a parser: it misses what is computed at run time,
 * and finds what is never reached. Comments are left out.
 */
export class FunctionSource {
  readonly #text: string;

  constructor(text: string) {
    this.#text = withoutComments(text);
  }

  /** Whether the name occurs in code or in a string, in any case. */
  mentions(name: string): boolean {
    const escaped = name.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
    return new RegExp(`(?<![\\p{L}\\p{N}_$])${escaped}(?![\\p{L}\\p{N}_$])`, 'iu').test(this.#text);
  }

  /** Tables in INSERT INTO. */
  inserts(): WrittenName[] {
    const into = new RegExp(String.raw`\binsert\s+into\s+(${identifier})(?:\s*\.\s*(${identifier}))?`, 'giu');
    return [...this.#text.matchAll(into)].map(([, first = '', second]) =>
      second === undefined ? { name: fold(first) } : { schema: fold(first), name: fold(second) },
    );
  }

  /** Whether it may leave out an insert because something is there already. */
  skips(): boolean {
    return /\bnot\s+exists\b|\bon\s+conflict\b|\bunique_violation\b|\bif\s+(?:not\s+)?(?:exists|found)\b|\bmerge\s+into\b/iu.test(
      this.#text,
    );
  }

  /** Channels of NOTIFY and of pg_notify() that are literal. Undefined if there is one that is not. */
  channels(): string[] | undefined {
    const found = [...this.#text.matchAll(notification)].map(([, , literal, written]) =>
      written === undefined ? literal?.replaceAll("''", "'") : fold(written),
    );
    return found.every((channel) => channel !== undefined) ? found : undefined;
  }

  /** Names, in lower case, before an opening parenthesis. */
  calls(): string[] {
    return [...this.#text.matchAll(/([\p{L}_][\p{L}\p{N}_$]*)"?\s*\(/giu)].map(([, name = '']) =>
      name.toLowerCase(),
    );
  }
}

/** `schema.name` or `name`, as written in an argument of uncached.enqueue(). Undefined if it is neither. */
export function parseName(written: string): WrittenName | undefined {
  const match = new RegExp(`^\\s*(${identifier})\\s*(?:\\.\\s*(${identifier})\\s*)?$`, 'u').exec(written);
  if (!match) return undefined;
  const [, first = '', second] = match;
  return second === undefined ? { name: fold(first) } : { schema: fold(first), name: fold(second) };
}

function fold(written: string): string {
  if (written.startsWith('"')) return written.slice(1, -1).replaceAll('""', '"');
  return written.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

/** In a string, text that looks like a comment stays. */
function withoutComments(text: string): string {
  return text.replace(/('(?:[^']|'')*')|--.*|\/\*[\s\S]*?\*\//g, (_all, literal?: string) => literal ?? ' ');
}
