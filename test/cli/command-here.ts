import { inspectAll } from '../../src/cli/check.ts';
import { errorReport } from '../../src/cli/error-report.ts';
import { explanationOf } from '../../src/cli/explain.ts';
import { toText } from '../../src/cli/output.ts';
import { type Ended, withoutRoot } from '../uncached.ts';
import { startHere } from '../worker-here.ts';

/*
 * Runs commands in this process and returns what each would have written. This tests what they find, not how
 * they are started. The same test files also run both as programs.
 */

export const checkHere = (file: string) =>
  ended(async () => {
    const { code, lines } = await inspectAll(file, {}, startHere);
    return { code, stdout: withoutRoot(toText(lines)) };
  });

export const explainHere = (file: string, path: string) =>
  ended(async () => {
    const { code, lines, error } = await explanationOf(file, path, {}, startHere);
    const stdout = toText(lines);
    return error ? { ...failed(error), stdout } : { code, stdout };
  });

async function ended(work: () => Promise<Partial<Ended>>): Promise<Ended> {
  return { code: null, stdout: '', stderr: '', ...(await work().catch(failed)) };
}

function failed(thrown: unknown): Pick<Ended, 'code' | 'stderr'> {
  const { code, complaints } = errorReport(thrown);
  return { code, stderr: toText(complaints.map((complaint) => `uncached: ${complaint}`)) };
}
