import { existsSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { Client } from 'pg';
import { eventually } from '../faults/eventually.ts';
import { uncached } from '../uncached.ts';
import { say } from './say.ts';
import { type Front, fileOf, slugs, type TourWorld } from './tour-world.ts';

const patienceMs = 20_000;

/**
 * Shows with one change each what uncached keeps fresh: files, caches in front of them, a second host, and what may be
 * announced. False if something shown is wrong.
 */
export async function tour(world: TourWorld, signal: AbortSignal): Promise<boolean> {
  say(`A site keeps ${slugs.length} articles as files, on two hosts. Its articles are in PostgreSQL.`);
  say(`uncached runs on both hosts. Its status page: ${world.statusPage}`);
  const steps = [
    () => showFiles(world),
    ...world.fronts.map((front, n) => () => showFront(world, front, slugs[n + 1] ?? '')),
    () => showSecondHost(world),
    () => showAnnouncement(world),
  ];
  let right = true;
  for (const [n, step] of steps.entries()) {
    if (signal.aborted) return right;
    say('');
    right = (await step().catch(wrong)) && right;
    if (n === steps.length - 1) say('');
  }
  return right;
}

function wrong(error: Error): false {
  say(`   WRONG: ${error.message.split('\n')[0]}`);
  return false;
}

async function showFiles(world: TourWorld): Promise<boolean> {
  const [slug = ''] = slugs;
  const [{ root }] = world.hosts;
  publish(world);
  say(`1. Files. Somebody changes the title of "${slug}".`);
  const { at } = await change(world, slug, 'A new spring');
  const ms = await until(`${fileOf(slug)} is gone`, at, async () => !existsSync(join(root, fileOf(slug))));
  const left = slugs.filter((one) => existsSync(join(root, fileOf(one)))).length;
  say(`   Its file is gone ${ms} ms after the commit. The other ${left} files stay.`);
  if (left !== slugs.length - 1) throw new Error(`${slugs.length - 1} files should have stayed`);
  return true;
}

async function showFront(
  world: TourWorld,
  { name, address, failure }: Front,
  slug: string,
): Promise<boolean> {
  const place = world.fronts.findIndex((front) => front.name === name) + 2;
  if (failure) {
    say(`${place}. ${name}. It is installed, but does not start.`);
    throw new Error(failure);
  }
  if (address === undefined) {
    say(`${place}. ${name}. Not installed here, so it is not shown.`);
    return true;
  }
  await get(address, slug);
  const before = await get(address, slug);
  say(`${place}. ${name}. It has kept the page of "${slug}" for its visitors: "${before.title}".`);
  if (!before.kept) throw new Error(`${name} has not kept the page`);
  const title = `A new ${slug}`;
  const { at } = await change(world, slug, title);
  const ms = await until(
    `${name} has the new page`,
    at,
    async () => (await get(address, slug)).title === title,
  );
  say(`   After a change it has "${title}", ${ms} ms after the commit.`);
  return true;
}

async function showSecondHost(world: TourWorld): Promise<boolean> {
  const slug = slugs[3] ?? '';
  publish(world);
  say(`4. Two hosts. Each has files of its own, and an uncached of its own. "${slug}" changes.`);
  const { at } = await change(world, slug, 'A new winter');
  const gone = world.hosts.map(({ root }, n) =>
    until(`the file is gone on host ${n + 1}`, at, async () => !existsSync(join(root, fileOf(slug)))),
  );
  const [one, two] = await Promise.all(gone);
  say(`   The file is gone on the first host ${one} ms after the commit, on the second after ${two} ms.`);
  return true;
}

async function showAnnouncement(world: TourWorld): Promise<boolean> {
  const slug = slugs[4] ?? '';
  publish(world);
  const fronts = world.fronts.filter((front) => front.address !== undefined);
  for (const { address = '' } of fronts) await get(address, slug);
  const caches = world.hosts.length + fronts.length;
  say(
    `5. An announcement. A feed may name the change of "${slug}" when all ${caches} caches have dropped the old page.`,
  );
  const listener = new Client(world.connection);
  await listener.connect();
  try {
    let notified = 0;
    listener.on('notification', () => {
      notified += 1;
    });
    await listener.query('LISTEN uncached_cleared');
    const { at, xid, early } = await change(world, slug, 'A new snow');
    if (early) throw new Error('the change could be announced before it was cleared');
    const wait = ['--config', world.configuration, 'wait', '--xid', xid, '--timeout', '30s'];
    const { code, stderr } = await uncached(wait, {}, { detached: true });
    const seconds = ((performance.now() - at) / 1_000).toFixed(1);
    if (code !== 0) throw new Error(`"uncached wait" says: ${stderr}`);
    say(`   "uncached wait" returns after ${seconds} s, and PostgreSQL notifies uncached_cleared.`);
    if (notified === 0) throw new Error('uncached_cleared was not notified');
  } finally {
    await listener.end();
  }
  const kept = world.hosts.filter(({ root }) => existsSync(join(root, fileOf(slug)))).length;
  const old = await Promise.all(fronts.map(({ address = '' }) => get(address, slug)));
  const stale = kept + old.filter(({ title }) => title !== 'A new snow').length;
  if (stale > 0) throw new Error(`${stale} of ${caches} caches still have the old page`);
  say(`   Looked at all ${caches} caches: none has the old page.`);
  return true;
}

/** As a site would write its pages. */
function publish({ hosts }: TourWorld): void {
  for (const host of hosts) host.write(slugs.map(fileOf));
}

/** Commits a new title. `early`: it counted as cleared while it was not committed. */
async function change(
  { connection }: TourWorld,
  slug: string,
  title: string,
): Promise<{ at: number; xid: string; early: boolean }> {
  const client = new Client(connection);
  await client.connect();
  try {
    await client.query('BEGIN');
    const update =
      'UPDATE articles SET title = $2 WHERE slug = $1 RETURNING pg_current_xact_id()::text AS xid';
    const { rows } = await client.query<{ xid: string }>(update, [slug, title]);
    const xid = rows[0]?.xid ?? '';
    const asked = await client.query('SELECT uncached.is_cleared($1) AS early', [xid]);
    await client.query('COMMIT');
    return { at: performance.now(), xid, early: asked.rows[0]?.early === true };
  } finally {
    await client.end();
  }
}

/** The milliseconds from the commit until it is so. */
async function until(what: string, at: number, isSo: () => Promise<boolean>): Promise<number> {
  const ask = async () => (await isSo()) || undefined;
  await eventually(what, ask, async () => '', patienceMs, 1).catch(() => {
    throw new Error(`after ${patienceMs / 1_000} s it is still not so that ${what}`);
  });
  return Math.max(1, Math.round(performance.now() - at));
}

/** What a visitor gets, and whether the cache had it. */
async function get(address: string, slug: string): Promise<{ title: string; kept: boolean }> {
  return await new Promise((resolve, reject) => {
    request(`${address}/articles/${slug}`, { headers: { host: 'www.example.org' } }, (response) => {
      const { headers } = response;
      const kept = headers['x-cache'] === 'HIT' || String(headers['x-varnish']).includes(' ');
      let title = '';
      response.setEncoding('utf8').on('data', (text) => {
        title += text;
      });
      response.on('end', () => resolve({ title, kept }));
    })
      .on('error', reject)
      .end();
  });
}
