import { existsSync, readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import type { NamedStep } from './install.ts';
import { runOnMachine, type StepResult, whyNoMachine } from './machine.ts';

/** Runs the steps, with the functions of site.sh. Each is a test. */
export function itRuns(
  title: string,
  { steps, programs }: { steps: readonly NamedStep[]; programs: readonly string[] },
): void {
  const obstacle = existsSync('/usr/lib/postgresql')
    ? whyNoMachine(programs)
    : 'there is no PostgreSQL of Debian: apt-get install postgresql';
  if (obstacle) console.warn(`SKIPPED: ${title}: ${obstacle}`);

  let results: StepResult[];
  beforeAll(() => {
    if (obstacle) return;
    results = runOnMachine(steps, { functions: readFileSync('test/operating/site.sh', 'utf8') });
  }, 600_000);

  describe.skipIf(obstacle)(title, () => {
    it.each(steps.map(({ name }, at) => ({ name, at })))('$name', ({ at }) => {
      const { code, out, err } = results[at] ?? { code: '', out: '', err: '' };
      expect(code, `${out}\n${err}`).toBe('0');
    });
  });
}
