import { type Connection, withClient } from '../postgres/connection.ts';
import { createDatabase } from '../postgres/database.ts';
import { freePort } from '../postgres/free-port.ts';
import { startServer } from '../postgres/server.ts';
import { iniFor, makeSite } from '../site.ts';
import { startUncached, uncached } from '../uncached.ts';
import { allPages, siteSql } from './changes.ts';
import { invitation } from './invitation.ts';
import { recordSql } from './record.ts';
import { say } from './say.ts';
import { show } from './show.ts';
import { tour } from './tour.ts';
import { buildTourWorld } from './tour-world.ts';
import { forgetVariables } from './variables.ts';

/**
 * A PostgreSQL, a site and the real daemon, all temporary. A tour shows what uncached keeps fresh. Then it commits
 * changes and shows what happens to the pages, and visitors join in.
 */
const once = process.argv.includes('--once');
const withTour = !process.argv.includes('--no-tour');
const interrupted = new AbortController();
// On Ctrl-C npm sends a second signal.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());
interrupted.signal.addEventListener('abort', () => say('Stopping …'));
const releases: (() => unknown)[] = [];

try {
  process.exitCode = (await demo()) ? 0 : 1;
} catch (error) {
  say(`The demo cannot go on: ${error instanceof Error ? error.message : error}`);
  process.exitCode = 1;
} finally {
  for (const release of releases.reverse()) await release();
}

async function demo(): Promise<boolean> {
  say('Starting PostgreSQL …');
  // libpq's variables supply what a URL leaves out.
  if (!process.env.DATABASE_URL) forgetVariables();
  const server = await startServer();
  releases.push(() => server.stop());
  const right = !withTour || (await takeTour(server));
  if (interrupted.signal.aborted) return right;
  const { name, config } = await createDatabase(server, { template: 'template0' });
  releases.push(() => withClient(server, (client) => client.query(`DROP DATABASE ${name} WITH (FORCE)`)));

  const site = makeSite();
  releases.push(() => site.remove());
  return await withClient(config, async (client) => {
    await client.query((await uncached(['schema', '--freshports'], {}, { detached: true })).stdout);
    await client.query(siteSql + recordSql);
    site.write(allPages);
    const more = `[http]\nlisten = ${await freePort()}`;
    const ini = site.configure(iniFor(site, config, { more }));
    const daemon = startUncached(ini, {}, { detached: true });
    releases.push(() => daemon.stop());
    await daemon.until('LISTEN', ({ event }) => event === 'listening');
    const { url } = await daemon.until('status page', ({ event }) => event === 'serving');

    if (interrupted.signal.aborted) return true;

    say(
      `PostgreSQL ${server.version} holds 12 ports; ${site.root} holds ${allPages.length} files; uncached is listening.`,
    );
    say(`The status page is at ${url}`);
    if (!once) {
      say('This runs until you press Ctrl-C. Join in from another terminal, and watch the files go:');
      say(`  ${invitation(config)}`);
      say('Any other change will do as well: of more rows, an INSERT, a DELETE, a long transaction.');
    }
    say('');
    return (await show({ client, site, daemon, signal: interrupted.signal }, { once })) && right;
  });
}

/** It has a database, daemons and caches of its own, which end with it. */
async function takeTour(server: Connection): Promise<boolean> {
  const own: (() => unknown)[] = [];
  try {
    return await tour(await buildTourWorld(server, (undo) => own.push(undo)), interrupted.signal);
  } finally {
    for (const undo of own.reverse()) await undo();
  }
}
