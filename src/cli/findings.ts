import { toError, UsageError } from '../core/errors.ts';
import { withAdvice } from '../postgres/advice.ts';

export interface Findings {
  readonly problems: string[];
  /** Not an error, but worth knowing. */
  readonly notices: string[];
}

type Inspected = { readonly [K in keyof Findings]?: readonly string[] };

/**
 * Collects the findings of inspections. An inspection that fails is a problem itself, and hides nothing of
 * the others.
 */
export function findings(): {
  found: Findings;
  attempt(what: string, inspection: () => Promise<Inspected> | Inspected): Promise<void>;
} {
  const found: Findings = { problems: [], notices: [] };
  return {
    found,
    async attempt(what, inspection) {
      try {
        const { problems = [], notices = [] } = await inspection();
        found.problems.push(...problems);
        found.notices.push(...notices);
      } catch (error) {
        if (error instanceof UsageError) found.problems.push(...error.problems);
        else found.problems.push(withAdvice(`Cannot ${what}`, toError(error)).message);
      }
    },
  };
}
