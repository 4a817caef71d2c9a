import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { replicationBinaries, replicationMissing } from '../postgres/replication.ts';
import { makeSite, type Site } from '../site.ts';
import { startUncached, uncached } from '../uncached.ts';
import { eventually } from './eventually.ts';
import { iniForHosts, Pair, promote, query } from './pair.ts';

const possible = replicationBinaries() !== undefined;
if (!possible) console.warn(replicationMissing);

let pair: Pair;
let site: Site;

beforeAll(async () => {
  if (possible) pair = await Pair.open();
  site = makeSite();
  site.write(['ports/x/y', 'categories/x', 'daily/x', 'commits/x', 'news/x']);
}, 300_000);
afterAll(async () => {
  site.remove();
  await pair?.stop();
});

const page = 'ports/www/nginx/Detail.html';
const gone = () => (existsSync(join(site.root, page)) ? undefined : true);
/** No heartbeat comes in time. On a busy machine one may be late, and the log would say so. */
const calm = { heartbeat: '60s' };
const words = /standby.*LISTEN and writing are impossible.*name the primary under \[database\]/;

it.skipIf(!possible).each(['check', 'drain', 'status'])(
  '%s reports that the host is a standby, and ends',
  async (command) => {
    const file = site.configure(iniForHosts(site, [pair.standby]));
    const { code, stdout, stderr } = await uncached(['--config', file, command]);
    expect(stdout + stderr).toMatch(words);
    // This is the only problem.
    if (command === 'check') expect(stdout).toMatch(/\n1 problem(, 1 notice)?\n/);
    expect(code).toBe(command === 'status' ? 2 : 1);
  },
);

it.skipIf(!possible)('the primary is used, wherever in the list it is', async () => {
  const file = site.configure(iniForHosts(site, [pair.standby, pair.primary], calm));
  const daemon = startUncached(file);
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
  await enqueue();
  await eventually(
    'cleared',
    async () => gone(),
    async () => JSON.stringify(daemon.log),
  );
  expect(await daemon.stop()).toBe(0);
  expect(daemon.log.filter(({ level }) => level >= 50)).toEqual([]);
});

/** This test is last, because it leaves two primaries behind. */
it.skipIf(!possible)('run waits for the promotion of a standby, says so once, and then clears', async () => {
  const daemon = startUncached(site.configure(iniForHosts(site, [pair.standby], calm)));
  const told = await daemon.until('the word standby', ({ msg }) => msg.includes('standby'));
  expect(told).toMatchObject({ event: 'database-unavailable', level: 50 });
  expect(told.msg).toMatch(words);
  await enqueue();
  await pair.caughtUp();
  await promote(pair.standby);
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
  await eventually(
    'cleared',
    async () => gone(),
    async () => JSON.stringify(daemon.log),
  );
  expect(await daemon.stop()).toBe(0);
  expect(daemon.log.filter(({ level }) => level >= 50)).toEqual([told]);
});

async function enqueue(): Promise<void> {
  site.write([page]);
  await query(
    pair.primary,
    `WITH entry AS (INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'nginx'))
     SELECT pg_notify('port_updated', '')`,
  );
}
