export interface Token {
  readonly name: string;
  readonly value: string;
  /** Where it begins. */
  readonly at: number;
}

/** Says where it is wrong, not what the text is: it may be part of a password. */
export class ConninfoError extends Error {
  readonly at: number;

  constructor(message: string, at: number) {
    super(message);
    this.name = 'ConninfoError';
    this.at = at;
  }
}

/** C's isspace, which knows ASCII only. */
const space = '[\\t-\\r ]';
const blank = new RegExp(`${space}*`, 'y');
const nameAndSign = new RegExp(`([^=\\t-\\r ]*)${space}*(=?)${space}*`, 'y');
const quotedValue = /'((?:\\.|[^'\\])*)'/sy;
const bareValue = /(?:\\.?|[^\t-\r \\])*/sy;

/**
 * Splits `name = value …` as libpq does
 * (https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-CONNSTRING-KEYWORD-VALUE): single quotes
 * around a value, a backslash before any character, no white space needed after a closing quote. Throws a
 * ConninfoError.
 */
export function parseConninfo(text: string): Token[] {
  const tokens: Token[] = [];
  let at = endOfBlank(text, 0);
  while (at < text.length) {
    const [head = '', name = '', sign] = match(nameAndSign, text, at) ?? [];
    if (sign !== '=') throw new ConninfoError('has a word that is no NAME=value', at);
    const begin = at + head.length;
    const found = match(text[begin] === "'" ? quotedValue : bareValue, text, begin);
    if (!found) throw new ConninfoError('has a single quote that is never closed', at);
    const [written, inside = written] = found;
    tokens.push({ name, value: inside.replace(/\\(.?)/gs, '$1'), at });
    at = endOfBlank(text, begin + written.length);
  }
  return tokens;
}

function endOfBlank(text: string, from: number): number {
  return from + (match(blank, text, from)?.[0].length ?? 0);
}

function match(sticky: RegExp, text: string, at: number): RegExpExecArray | null {
  sticky.lastIndex = at;
  return sticky.exec(text);
}
