import { readFileSync } from 'node:fs';
import { containerSteps } from './container.ts';
import { itRuns } from './steps-test.ts';

itRuns('doc/recipes.md: Containers', {
  steps: containerSteps(readFileSync('doc/recipes.md', 'utf8'), readFileSync('doc/operating.md', 'utf8')),
  programs: ['setpriv', 'openssl', 'pgrep'],
});
