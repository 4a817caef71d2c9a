import { explain, toError, UsageError } from '../core/errors.ts';

/** What a command complains of when it fails, and its exit code. */
export function errorReport(thrown: unknown): { code: number; complaints: readonly string[] } {
  if (thrown instanceof UsageError) return { code: 2, complaints: thrown.problems };
  return { code: 1, complaints: [explain(toError(thrown))] };
}
