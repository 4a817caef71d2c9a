import { toError } from '../../core/errors.ts';

/**
 * What a worker writes, each a line of JSON: `up` when it has started, which takes a while on a busy machine;
 * any number of `at` while it works, which report progress and the path that it is about to touch; then one
 * of the others.
 */
export type Message =
  | { readonly up: true }
  | Step
  | { readonly answer: unknown }
  | { readonly error: ErrorParts };

interface Step {
  readonly at: string;
  /** It is about to list the whole directory in one call: with millions of names that takes a while. */
  readonly isListing?: boolean;
}

/** The fields of an error that the daemon gets: its message, and the system's code and call. */
export interface ErrorParts {
  readonly message: string;
  readonly code?: unknown;
  readonly syscall?: unknown;
}

export function errorParts(thrown: unknown): ErrorParts {
  const { message, code, syscall } = toError(thrown) as NodeJS.ErrnoException;
  return { message, code, syscall };
}

export function errorOf({ message, code, syscall }: ErrorParts): Error {
  return Object.assign(new Error(message), {
    ...(code !== undefined && { code }),
    ...(syscall !== undefined && { syscall }),
  });
}

/** Joins chunks and splits them into lines. */
export function lineReader(onLine: (line: string) => void): (chunk: Buffer) => void {
  let parts: Buffer[] = [];
  return (chunk) => {
    let from = 0;
    for (let end = chunk.indexOf(newline); end !== -1; end = chunk.indexOf(newline, from)) {
      const last = chunk.subarray(from, end);
      from = end + 1;
      const line = parts.length === 0 ? last : Buffer.concat([...parts, last]);
      parts = [];
      onLine(line.toString());
    }
    // Copied: the caller may reuse the chunk's memory.
    if (from < chunk.length) parts.push(Buffer.from(chunk.subarray(from)));
  };
}

const newline = 10;
