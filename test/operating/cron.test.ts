import { readFileSync } from 'node:fs';
import { cronSteps } from './cron.ts';
import { itRuns } from './steps-test.ts';

itRuns('doc/recipes.md: Scheduled publication', {
  steps: cronSteps(readFileSync('doc/recipes.md', 'utf8'), readFileSync('doc/operating.md', 'utf8')),
  programs: ['setpriv'],
});
