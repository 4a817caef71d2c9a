import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { client, enqueuePort, site, start } from '../../cli/running.ts';
import { database } from '../../cli/site-and-database.ts';
import { eventually } from '../../faults/eventually.ts';
import { storePage } from '../../filesystem/zone/cache-file.ts';
import { iniFor } from '../../site.ts';
import { uncached } from '../../uncached.ts';
import { startTarget, type TargetServer } from '../purge/target-server.ts';

/*
 * A CDN behind a zone, of which one page cannot be cleared at first. The CDN is purged without it, and takes the old
 * page again from the zone.
 */

let zone: string;
let cdn: TargetServer;
beforeEach(async () => {
  zone = join(dirname(site.root), 'zone');
  mkdirSync(zone);
  cdn = await startTarget();
});
afterEach(() => cdn.close());

const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
url[] = /{category}/{port}/
`;

const settings = () => ({
  handlers,
  more: `
[nginx.pages]
path = ${zone}
levels = 1:2
key[] = httpsGETwww.example.org{url}
lag = 100ms
[purge.cdn]
to = ${cdn.address}
site = https://www.example.org
after = nginx.pages
lag = 100ms
`,
});

/** A link is never followed: it fails alone. Returns its path. */
function plantLink(): string {
  const path = storePage(zone, 'httpsGETwww.example.org/net/rsync/');
  rmSync(path);
  symlinkSync('/nowhere', path);
  return path;
}

/** What is not cleared or settled: where the rows that fail do so, and which caches are not done with the log. */
async function left(): Promise<string[]> {
  const { rows } = await client.query<{ what: string }>(
    `SELECT split_part(consumer, ' ', 2) AS what FROM uncached.failing
     UNION ALL SELECT 'queued' FROM cache_clearing_ports
     UNION ALL SELECT name || ' settles' FROM uncached.consumer
               WHERE settled_to < (SELECT max(id) FROM uncached.log)
     UNION ALL SELECT 'joins' WHERE (SELECT count(*) FROM uncached.consumer WHERE state = 'live') < 3`,
  );
  return rows.map(({ what }) => what);
}

const untilLeft = (...some: string[]) =>
  eventually(
    `nothing else left than ${some}`,
    async () => `${await left()}` === `${some}` || undefined,
    async () => JSON.stringify(await left()),
  );

const purges = () => cdn.requests.filter(({ what }) => what === 'PURGE /net/rsync/').length;

it('what a daemon could clear in a zone only later is purged behind it after that', async () => {
  await start(settings());
  await untilLeft();
  const link = plantLink();
  await enqueuePort('net', 'rsync');
  await client.query('NOTIFY port_updated');
  await untilLeft('nginx');
  const before = purges();
  rmSync(link);
  expect(
    (await uncached(['--config', join(dirname(site.root), 'uncached.ini'), 'failing', 'retry'])).code,
  ).toBe(0);
  await untilLeft();
  // At once, and again after the zone has settled it.
  expect(purges()).toBeGreaterThanOrEqual(before + 2);
});

it('a drain that clears it in a zone does not end before it is purged behind that for the last time', async () => {
  const drain = () =>
    uncached(['--config', site.configure(iniFor(site, database.config, settings())), 'drain']);
  await drain();
  const link = plantLink();
  await enqueuePort('net', 'rsync');
  expect(await drain()).toMatchObject({ code: 1, stdout: expect.stringContaining('1 row failing') });
  expect(await left()).toEqual(['nginx']);
  const before = purges();
  rmSync(link);
  expect(await drain()).toMatchObject({ code: 0, stderr: '' });
  expect(await left()).toEqual([]);
  expect(purges()).toBeGreaterThanOrEqual(before + 2);
});
