import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readHandlers } from '../../src/cache-kinds.ts';
import { PurgeCache } from '../../src/caches/purge/purge-cache.ts';
import { readTargets } from '../../src/caches/purge/targets.ts';
import { inspectTargets } from '../../src/cli/check-targets.ts';
import { load } from '../../src/config/load.ts';
import { sectionsOf } from '../../src/config/typed-configuration.ts';
import { lastWill } from '../last-will.ts';

const work = mkdtempSync(join(tmpdir(), 'uncached-recipe-'));
lastWill('rm -rf "$1"', work);
writeFileSync(join(work, 'key'), 's3cret\n', { mode: 0o600 });

export const recipeText = (name: string) => readFileSync(`etc/purge/${name}.ini`, 'utf8');

/** What a recipe has for the other side: the lines of its comment that are indented. */
export function otherSide(name: string, part: { from?: string; to?: string } = {}): string {
  const [header = ''] = recipeText(name).split('\n[');
  const [, text = header] = part.from === undefined ? [] : header.split(part.from);
  const lines = (part.to === undefined ? text : (text.split(part.to)[0] ?? '')).split('\n');
  return lines.flatMap((line) => (line.startsWith(';   ') ? [line.slice(4)] : [])).join('\n');
}

/** The recipe as somebody uses it, with a secret that is there, and perhaps with another address. */
export function readRecipe(name: string, address?: string) {
  const text = recipeText(name).replace(/\{file:[^{}]+\}/g, `{file:${join(work, 'key')}}`);
  const moved = address === undefined ? text : text.replace(/^to = .*$/m, `to = ${address}`);
  const file = join(work, `${name}.ini`);
  writeFileSync(file, `[cache]\nroot = ${work}\n${moved}`);
  const { configuration, notices } = load(file, {});
  const sections = sectionsOf(configuration);
  const { handlers, problems } = readHandlers(configuration.handlers, sections);
  const checked = inspectTargets(sections, handlers.values());
  const { targets } = readTargets(sections);
  return { handlers, targets, notices, problems: [...problems, ...checked.problems] };
}

const clock = {
  now: () => performance.now(),
  wait: (ms: number) => new Promise<void>((later) => setTimeout(later, ms)),
};

/** The cache of a recipe, at another address. */
export function openRecipe(name: string, address: string): PurgeCache {
  const { targets, problems } = readRecipe(name, address);
  const [target] = targets;
  if (!target || problems.length > 0) throw new Error(problems.join('\n'));
  return new PurgeCache(target, {
    clock,
    tell: () => {},
    run: () => Promise.reject(new Error('no program')),
  });
}
