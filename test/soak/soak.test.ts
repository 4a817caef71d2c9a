import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { projectRoot } from '../postgres/project-root.ts';
import { plantedMain, plants } from './plants.ts';

/** A short form of `npm run test:soak`, too short to judge whether memory is flat. A failure prints its seed and all output. */
it('finds nothing stale, no error in a log and no daemon that died', { timeout: 480_000 }, async () => {
  const { code, output } = await soak('--minutes', '0.4', '--load', '12');
  expect(code, output).toBe(0);
  expect(output).toMatch(/memory MiB: .* too few to judge/);
  expect(output).toMatch(/"pages of articles compared": [1-9]/);
});

it.each(plants)('can still plant the fault %s', (plant) => {
  expect(plantedMain(plant)).toMatch(/main\.js$/);
});

function soak(...args: string[]): Promise<{ code: number; output: string }> {
  const main = join(projectRoot, 'build/test/soak/main.js');
  return new Promise((resolve) => {
    execFile(process.execPath, [main, ...args], { timeout: 460_000 }, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code) : 0, output: `${stdout}\n${stderr}` }),
    );
  });
}
