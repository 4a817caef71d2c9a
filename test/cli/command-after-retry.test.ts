import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { unsettled } from '../postgres/unsettled.ts';
import { iniFor } from '../site.ts';
import { type RunningDaemon, startUncached, uncached } from '../uncached.ts';
import { client, database, site } from './site-and-database.ts';

let daemon: RunningDaemon;
let ran: string;
let file: string;

beforeEach(() => {
  ran = join(dirname(site.root), 'ran');
  writeFileSync(ran, '');
  const program = join(dirname(site.root), 'program');
  writeFileSync(program, `#!/bin/sh\necho >> ${ran}\n`, { mode: 0o755 });
  const handlers = `[handler.listen_port]\nqueue = cache_clearing_ports\nclear[] = ports/{category}/{port}/*\nrun = ${program}\n`;
  file = site.configure(iniFor(site, database.config, { handlers }));
});
afterEach(() => daemon.stop('SIGKILL'));

const runs = () => readFileSync(ran, 'utf8').length;
const rows = async (condition: string) =>
  (await client.query(`SELECT FROM ${unsettled} WHERE ${condition}`)).rows.length;

const becomes = (what: string, isSo: () => Promise<boolean>) =>
  eventually(
    what,
    async () => (await isSo()) || undefined,
    async () => JSON.stringify(daemon.log.slice(-10)),
  );

it('a command runs again when pages are gone that could not be deleted before it ran', async () => {
  const elsewhere = join(dirname(site.root), 'elsewhere');
  mkdirSync(elsewhere);
  mkdirSync(join(site.root, 'ports'));
  symlinkSync(elsewhere, join(site.root, 'ports/www'));
  daemon = startUncached(file);
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
  await client.query(
    `INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a'); NOTIFY port_updated`,
  );
  await becomes('failing alone', async () => runs() > 0 && (await rows('last_error IS NULL')) === 0);
  await becomes('settled but for it', async () => (await rows('true')) === 1);
  const before = runs();
  rmSync(join(site.root, 'ports/www'));
  expect((await uncached(['--config', file, 'failing', 'retry'])).code).toBe(0);
  await becomes('settled', async () => (await rows('true')) === 0);
  // As soon as they are gone, and again when that has settled.
  expect(runs()).toBeGreaterThan(before + 1);
}, 300_000);
