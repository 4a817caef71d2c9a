import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectRoot } from '../postgres/project-root.ts';
import { type Mutation, mutatedMain, mutations } from './mutate.ts';

/**
 * A short form of `npm run test:stress`. Each run draws another seed. A failure prints the seed and all
 * output of the run.
 */
describe('the live stress', () => {
  it('sees the real daemon keep its promises', { timeout: 480_000 }, async () => {
    const { code, output, summary } = await stress(
      '--minutes',
      '0.2',
      '--load',
      '5',
      '--kills',
      '10',
      '--crashes',
      '1',
    );
    expect(code, output).toBe(0);
    expect(summary.figures).toMatchObject({
      'quiet points': expect.any(Number),
      commits: expect.any(Number),
    });
    expect(summary.figures.kills).toBeGreaterThan(0);
    expect(summary.figures.reads).toBeGreaterThan(0);
  });

  // Each ends with the first stale page, which takes longer on a machine that renders few.
  it.each([
    { mutation: 'no-second-clearing', args: ['--kills', '10'] },
    { mutation: 'cursor-before-clearing', args: [] },
    { mutation: 'no-wipe', args: [] },
  ] satisfies { mutation: Mutation; args: string[] }[])(
    'convicts a daemon with the mutation $mutation',
    { timeout: 780_000 },
    async ({ mutation, args }) => {
      const { code, output, summary } = await stress(
        ...[`--${mutation}`, '--minutes', '5', '--load', '4', '--crashes', '0', ...args],
      );
      expect(code, output).toBe(1);
      expect(summary.violations.stale, output).toBeGreaterThan(0);
      expect({ ...summary.violations, stale: 0 }, output).toEqual({
        stale: 0,
        torn: 0,
        outside: 0,
        stuck: 0,
        leaked: 0,
        fault: 0,
      });
    },
  );

  it.each(Object.keys(mutations) as Mutation[])('can still make the mutation %s', (mutation) => {
    expect(mutatedMain(mutation)).toMatch(/main\.js$/);
  });
});

interface Summary {
  readonly violations: Readonly<Record<string, number>>;
  readonly figures: Readonly<Record<string, number>>;
}

function stress(...args: string[]): Promise<{ code: number; output: string; summary: Summary }> {
  const main = join(projectRoot, 'build/test/stress/main.js');
  const seed = String(randomInt(1_000_000));
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [main, '--seed', seed, ...args],
      { timeout: 760_000 },
      (error, stdout, stderr) => {
        const json = stdout.slice(stdout.lastIndexOf('\n{\n') + 1);
        resolve({
          code: error ? Number(error.code) : 0,
          output: `${stdout}\n${stderr}`,
          summary: json.startsWith('{') ? (JSON.parse(json) as Summary) : { violations: {}, figures: {} },
        });
      },
    );
  });
}
