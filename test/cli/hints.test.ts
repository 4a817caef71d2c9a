import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { iniFor, makeSite } from '../site.ts';
import { connect } from '../sql/connect.ts';
import { startUncached } from '../uncached.ts';
import { client, enqueuePort, isEvent, site, start } from './running.ts';
import { database } from './site-and-database.ts';

const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
then = news
[handler.news]
clear[] = news/*
`;

/** Holds up every claim: each appends to the log. */
let locker: Awaited<ReturnType<typeof connect>>;
beforeEach(async () => {
  locker = await connect(database.config);
});
afterEach(() => locker.end());

const lock = () => locker.query('BEGIN; SELECT FROM uncached.log_lock FOR UPDATE');
const unlock = () => locker.query('COMMIT');
const notify = (key: object) =>
  client.query('SELECT pg_notify($1, $2)', ['port_updated', JSON.stringify(key)]);

const untilPages = (pages: readonly string[], { pages: now } = site) =>
  eventually(
    `left: ${pages}`,
    async () => (JSON.stringify(now()) === JSON.stringify(pages) ? true : undefined),
    async () => JSON.stringify(now()),
  );

it('clears what a notification names before its entry can be claimed, and counts it with the entry', async () => {
  const daemon = await start({ handlers });
  site.write(['ports/www/a/1', 'ports/www/a/2', 'ports/www/b/1', 'news/1']);
  await lock();
  await enqueuePort('www', 'a');
  await notify({ category: 'www', port: 'a' });
  await untilPages(['news/1', 'ports/www/b/1']);
  const { rows } = await client.query('SELECT count(*)::int AS entries FROM cache_clearing_ports');
  expect(rows).toEqual([{ entries: 1 }]);
  await unlock();
  const cleared = await daemon.until('clearing', isEvent('cleared', { handler: 'listen_port' }));
  expect(cleared).toMatchObject({ entries: 1, files: 3 });
  await untilPages(['ports/www/b/1']);
});

it('does so on every host, before the one that claims has claimed', async () => {
  const other = makeSite();
  const otherDaemon = startUncached(other.configure(iniFor(other, database.config, { handlers })));
  try {
    await otherDaemon.until('LISTEN', isEvent('listening'));
    await start({ handlers });
    for (const { write } of [site, other]) write(['ports/www/a/1', 'ports/www/b/1']);
    await lock();
    await enqueuePort('www', 'a');
    await notify({ category: 'www', port: 'a' });
    await untilPages(['ports/www/b/1'], site);
    await untilPages(['ports/www/b/1'], other);
    await unlock();
  } finally {
    await otherDaemon.stop();
    other.remove();
  }
});

it('waits for the claim with hints = no', async () => {
  const daemon = await start({ handlers, more: '[daemon]\nhints = no' });
  site.write(['ports/www/a/1', 'ports/www/b/1']);
  await lock();
  await enqueuePort('www', 'a');
  await notify({ category: 'www', port: 'a' });
  // The claim waits for the lock, and ends by its time-out: so the notification was read before.
  await daemon.until('time-out', ({ msg }) => /lock/.test(msg));
  expect(site.pages()).toEqual(['ports/www/a/1', 'ports/www/b/1']);
  await unlock();
  await untilPages(['ports/www/b/1']);
});

it('takes a false hint for what it is: what it names is rendered once more, and nothing else happens', async () => {
  const daemon = await start({ handlers });
  site.write(['ports/www/a/1', 'ports/www/b/1', 'news/1']);
  const false_ = [{ category: '..', port: '../outside' }, { category: 'www' }, { category: null, port: 'a' }];
  for (const key of false_) await notify(key);
  await notify({ category: 'www', port: 'a' });
  await untilPages(['ports/www/b/1']);
  await enqueuePort('www', 'b');
  await notify({ category: 'www', port: 'b' });
  await untilPages([]);
  await daemon.until('settling', isEvent('settled'));
  expect(daemon.log.filter(({ level, event }) => level > 30 && event !== 'unknown-handler')).toEqual([]);
});
