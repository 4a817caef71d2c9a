import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { varnishFound } from '../caches/purge/varnish.ts';
import { projectRoot } from '../postgres/project-root.ts';

/** A short form of `npm run test:stack`. A failure prints the seed and all output of the run. */
describe.skipIf(!varnishFound)('layers of caches in front of each other', () => {
  it('have every change when it is settled, whatever is killed', { timeout: 480_000 }, async () => {
    const { code, output } = await run('--minutes', '0.2', '--load', '6', '--kills', '5');
    expect(code, output).toBe(0);
    expect(output).toMatch(/"of them from nginx or Varnish": [1-9]/);
  });

  it.each(['--unpurged', '--once'])('convict the mistake %s', { timeout: 480_000 }, async (mistake) => {
    const { code, output } = await run('--minutes', '3', '--load', '6', '--kills', '0', mistake);
    expect(code, output).toBe(1);
    expect(output).toContain('"layer": "Varnish"');
  });
});

function run(...args: string[]): Promise<{ code: number; output: string }> {
  const main = join(projectRoot, 'build/test/stack/main.js');
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { timeout: 460_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: `${stdout}\n${stderr}` }),
    );
  });
}
