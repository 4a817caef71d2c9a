import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite } from '../site.ts';
import { main } from '../uncached.ts';

/**
 * Loading takes most of the time of a short command. A time would tell little on a busy machine; what is loaded
 * does not depend on it.
 */
const directory = mkdtempSync(join(tmpdir(), 'uncached-loaded-'));
const site = makeSite();
const database = testDatabase();
afterAll(() => {
  rmSync(directory, { recursive: true });
  site.remove();
});

const atExit = join(directory, 'at-exit.cjs');
const listed = join(directory, 'loaded');
writeFileSync(
  atExit,
  `process.on('exit', () => require('node:fs').writeFileSync(${JSON.stringify(listed)},
     [...process.moduleLoadList, ...Object.keys(require.cache)].join('\\n')))`,
);

/** The modules of Node by their names, and CommonJS files by their paths. */
function loadedBy(args: readonly string[]): { modules: string[]; stdout: string } {
  rmSync(listed, { force: true });
  const { stdout } = spawnSync(process.execPath, ['--require', atExit, main, ...args], { encoding: 'utf8' });
  const modules = readFileSync(listed, 'utf8')
    .split('\n')
    .map((name) => name.replace(/^NativeModule /, ''))
    .filter((name) => name !== atExit);
  return { modules, stdout };
}

/** Each takes long to load, or is the beginning of what does. Commander loads child_process, and that net. */
const slow = ['http', 'https', 'http2', 'worker_threads', 'internal/deps/undici/undici'];
const network = ['tls', 'crypto', 'dns'];

it('--version loads no network and no packages', () => {
  const { modules, stdout } = loadedBy(['--version']);
  expect(stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  expect(modules.filter((name) => [...slow, ...network].includes(name))).toEqual([]);
  expect(modules.filter((name) => name.includes('node_modules'))).toEqual([]);
});

it('status loads what connects to PostgreSQL, and neither HTTP nor threads', () => {
  const file = site.configure(iniFor(site, database.config));
  const { modules, stdout } = loadedBy(['--config', file, 'status']);
  expect(stdout).toMatch(/^UNCACHED WARNING - no daemon is connected/);
  expect(modules).toEqual(expect.arrayContaining(['crypto', 'dns']));
  expect(modules.filter((name) => slow.includes(name))).toEqual([]);
  expect(modules.filter((name) => name.includes('node_modules'))).toEqual([]);
});

it('status is in six files, and the worker is in one', () => {
  const folder = dirname(main);
  expect(importedBy(['main.js', 'status.js'], folder)).toEqual([
    'database.js',
    'early.js',
    'main.js',
    'rolldown-runtime.js',
    'start.js',
    'status.js',
  ]);
  expect(importedBy(['worker-child.js'], folder)).toEqual(['worker-child.js']);
});

/** These files and all that they import at once. */
function importedBy(names: readonly string[], folder: string, seen = new Set<string>()): string[] {
  for (const name of names) {
    if (seen.has(name)) continue;
    seen.add(name);
    const text = readFileSync(join(folder, name), 'utf8');
    const next = [...text.matchAll(/^(?:import|export)\b.*?["']\.\/([^"']+)["'];$/gm)].map(
      (match) => match[1] ?? '',
    );
    importedBy(next, folder, seen);
  }
  return [...seen].sort();
}
