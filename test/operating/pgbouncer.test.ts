import { readFileSync } from 'node:fs';
import { pgbouncerSteps } from './pgbouncer.ts';
import { itRuns } from './steps-test.ts';

itRuns('doc/operating.md: Connections through PgBouncer', {
  steps: pgbouncerSteps(readFileSync('doc/operating.md', 'utf8')),
  programs: ['pgbouncer', 'setpriv'],
});
