import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { projectRoot } from '../postgres/project-root.ts';

const run = promisify(execFile);

it('the benchmark measures sections of each kind, and prints what they are, their ratios and their times', async () => {
  const sections = ['expand', 'zones', 'start'].flatMap((section) => ['--only', section]);
  const program = join(projectRoot, 'build/bench/main.js');
  // It exits with 1 if one of them cannot be measured.
  const { stdout } = await run(process.execPath, [program, '--quick', ...sections], { timeout: 100_000 });
  for (const row of [
    'pages that a change of one key clears by `expand`: 2,000 gone',
    "a key of nginx's cache, of an unlink by its path",
    '--version',
  ])
    expect(stdout).toContain(`\n| ${row} | `);
});
