import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { withClient } from '../postgres/connection.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { forgetClearings } from '../postgres/unsettled.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { startUncached } from '../uncached.ts';

const database = testDatabase();
let site: Site;

const named = [
  'ports/www/a/1',
  'categories/www/1',
  'daily/2020/01/03.head',
  'commits/x/1',
  'news/1',
  'ports/MOVED.1',
  'ports/Mk/x.1',
  'ports/.gitignore.1',
];
const others = ['spooling/draft', 'html/index.html', 'searchlog.txt', 'daily/.hidden', 'daily/notes'];

beforeEach(async () => {
  await withClient(database.config, forgetClearings);
  site = makeSite();
  site.write([...named, ...others]);
});
afterEach(() => site.remove());

const otherBoot = 'another';
const marker = () => JSON.parse(readFileSync(join(site.root, '.uncached'), 'utf8'));

/** Whether the marker records that a daemon runs, in the machine's own boot. */
function isMarked(): boolean {
  try {
    const { clean, boot } = marker();
    return clean === false && boot !== otherBoot;
  } catch {
    return false;
  }
}

/** Runs the daemon until it listens and its marker records that, and stops it with the signal. */
async function run(signal: NodeJS.Signals) {
  const daemon = startUncached(site.configure(iniFor(site, database.config)));
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
  // On a busy machine it listens before it writes the marker. A wipe comes before the marker.
  await eventually(
    'marked',
    async () => isMarked() || undefined,
    async () => JSON.stringify(daemon.log),
  );
  await daemon.stop(signal);
  return daemon.log;
}

/** Simulates a reboot of the machine. */
function reboot(): void {
  writeFileSync(join(site.root, '.uncached'), JSON.stringify({ ...marker(), boot: otherBoot }));
}

it('clears everything that a template can name, and says so, when the machine stopped without warning', async () => {
  await run('SIGKILL');
  expect(marker().clean).toBe(false);
  reboot();
  const log = await run('SIGTERM');
  const line = log.find(({ event }) => event === 'cache-wiped');
  expect(line).toMatchObject({ files: named.length });
  expect(line?.msg).toContain('cleared the whole cache');
  expect(site.pages()).toEqual([...others].sort());
});

it('clears nothing after a clean stop, even if the machine was rebooted', async () => {
  await run('SIGTERM');
  expect(marker().clean).toBe(true);
  reboot();
  expect((await run('SIGTERM')).some(({ event }) => event === 'cache-wiped')).toBe(false);
  expect(site.pages().length).toBe(named.length + others.length);
});

it('clears nothing when only the daemon died', async () => {
  await run('SIGKILL');
  expect((await run('SIGTERM')).some(({ event }) => event === 'cache-wiped')).toBe(false);
});

it('takes a marker that cannot be read for a stop without warning', async () => {
  writeFileSync(join(site.root, '.uncached'), '{"boo');
  expect((await run('SIGTERM')).some(({ event }) => event === 'cache-wiped')).toBe(true);
});

it('writes through no symbolic link', async () => {
  const outside = join(site.root, '../precious');
  writeFileSync(outside, 'precious');
  symlinkSync(outside, join(site.root, '.uncached.new'));
  await run('SIGTERM');
  expect(readFileSync(outside, 'utf8')).toBe('precious');
  expect(marker().clean).toBe(true);
});
