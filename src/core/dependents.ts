import type { Key } from './contracts.ts';
import type { Expand } from './target-cache.ts';

/**
 * Asks a function of the database what depends on each of these keys, in one statement: the rows that it
 * returns, in the order of the keys. Undefined: more than `most` in all. Rejects with a
 * Refusal if the database answers with an error, and with any other error if it cannot be asked now.
 */
export type AskDependents = (
  expand: Expand,
  keys: readonly Key[],
  most: number,
) => Promise<(readonly Key[])[] | undefined>;

/** The same for one handler. */
export interface Dependents {
  readonly of: (keys: readonly Key[], most: number) => ReturnType<AskDependents>;
  /** What an operator should know. */
  readonly tell: (text: string) => void;
}

/** The database was asked, and refused. */
export class Refusal extends Error {
  /** Whatever the keys: the function is missing, for example, or a table is locked. */
  readonly always: boolean;

  constructor(message: string, { always }: { always: boolean }) {
    super(message);
    this.name = 'Refusal';
    this.always = always;
  }
}
