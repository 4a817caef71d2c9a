import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import { createDatabase } from '../postgres/database.ts';
import { freePort } from '../postgres/free-port.ts';
import { startServer } from '../postgres/server.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { type RunningDaemon, startUncached, uncached } from '../uncached.ts';
import { allPages, type Change, changes, siteSql } from './changes.ts';

/** A PostgreSQL, a site and the real daemon, all temporary; commits changes and shows what becomes of the pages. */
const once = process.argv.includes('--once');
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());
const releases: (() => unknown)[] = [];

try {
  process.exitCode = (await demo()) ? 0 : 1;
} finally {
  for (const release of releases.reverse()) await release();
}

async function demo(): Promise<boolean> {
  say('Starting PostgreSQL …');
  const server = await startServer();
  releases.push(() => server.stop());
  const database = await createDatabase(server, { template: 'template0' });
  releases.push(() => database.drop());
  const client = new Client(database.config);
  await client.connect();
  releases.push(() => client.end());
  await client.query((await uncached(['schema'])).stdout);
  await client.query(siteSql);

  const site = makeSite();
  releases.push(() => site.remove());
  site.write(allPages);
  const more = `[http]\nlisten = ${await freePort()}`;
  const daemon = startUncached(site.configure(iniFor(site, database.config, { more })));
  releases.push(() => daemon.stop());
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
  const { url } = await daemon.until('status page', ({ event }) => event === 'serving');

  const { host, port, user } = database.config;
  say(
    `PostgreSQL ${server.version} holds 12 ports; ${site.root} holds ${allPages.length} files; uncached is listening.`,
  );
  say(`The status page is at ${url}`);
  say('Join in from another terminal, and watch the files go:');
  say(
    `  psql -h ${host} -p ${port} -U ${user} -d ${database.name} -c "UPDATE ports SET description = 'mine' WHERE name = 'www-beta'"`,
  );
  say('');

  let right = true;
  for (let n = 0; !interrupted.signal.aborted && (!once || n < changes.length); n++) {
    const change = changes[n % changes.length]?.(n);
    if (change) right = (await show(change, client, site, daemon)) && right;
    site.write(allPages);
    if (!once) await wait(1_000, undefined, { signal: interrupted.signal }).catch(() => {});
  }
  say(right ? 'Exactly the right files went, every time.' : 'Some files went that should not, or stayed.');
  return right;
}

/** Commits a change, waits until its clearing has settled, and tells which files went. */
async function show(change: Change, client: Client, site: Site, daemon: RunningDaemon): Promise<boolean> {
  const from = daemon.log.length;
  const next = (event: string) =>
    daemon.until(event, (line) => line.event === event && daemon.log.indexOf(line) >= from);
  await client.query(change.sql);
  const { lagMs, files } = await next('cleared');
  await next('settled');

  const left = new Set(site.pages());
  const gone = allPages.filter((page) => !left.has(page));
  say(`${clockTime()}  ${change.words}: ${files} files are gone ${lagMs} ms later`);
  for (const [directory, count] of byDirectory(gone))
    say(`            ${String(count).padStart(3)} in ${directory}/`);
  const wrong = allPages.filter((page) => left.has(page) === change.stale.includes(page));
  for (const page of wrong)
    say(`  WRONG: ${page} ${left.has(page) ? 'is still there' : 'should have stayed'}`);
  return wrong.length === 0;
}

function byDirectory(pages: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const page of pages) {
    const directory = page.replace(/\/[^/]*$/, '');
    counts.set(directory, (counts.get(directory) ?? 0) + 1);
  }
  return counts;
}

function clockTime(): string {
  return new Date().toTimeString().slice(0, 8);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
