import { readFileSync } from 'node:fs';
import { restoreSteps } from './restore.ts';
import { itRuns } from './steps-test.ts';

itRuns('doc/operating.md: Restore a database', {
  steps: restoreSteps(readFileSync('doc/operating.md', 'utf8')),
  programs: ['pg_dump', 'pg_restore', 'setpriv'],
});
