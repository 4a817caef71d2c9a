import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { main } from '../uncached.ts';

/** The program, on a Node.js that says it is of this version. */
function runOn(version: string) {
  const pretend = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
  const args = ['--import', `data:text/javascript,${encodeURIComponent(pretend)}`, main, '--version'];
  return spawnSync(process.execPath, args, { encoding: 'utf8' });
}

it.each(['18.20.4', '20.18.9'])('Node.js %s is refused, in a sentence', (version) => {
  const { status, stderr } = runOn(version);
  expect(stderr).toBe(`uncached: Node.js ${version} is too old: install Node.js 20.19 or newer\n`);
  expect(status).toBe(2);
});

it.each(['20.19.0', '22.0.0'])('Node.js %s is not', (version) => {
  expect(runOn(version)).toMatchObject({ status: 0, stderr: '' });
});
