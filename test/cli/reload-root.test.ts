import { afterEach, beforeEach, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { type RunningDaemon, startUncached } from '../uncached.ts';
import { isLate } from './late.ts';
import { marked } from './marked.ts';
import { client, enqueuePort, isEvent, site, start } from './running.ts';
import { database } from './site-and-database.ts';

const ports = '[handler.listen_port]\nqueue = cache_clearing_ports\nclear[] = ports/{category}/{port}/*\n';
const dates =
  '[handler.listen_date_updated]\nqueue = cache_clearing_dates\nclear[] = daily/{date_to_clear:%Y}/*\n';

let other: Site;
let elsewhere: RunningDaemon | undefined;
beforeEach(() => {
  other = makeSite();
});
afterEach(async () => {
  await elsewhere?.stop();
  elsewhere = undefined;
  other.remove();
});

const gone = (where: Site, page: string, daemon: RunningDaemon) =>
  eventually(
    `without ${page}`,
    async () => !where.pages().includes(page) || undefined,
    async () => JSON.stringify(daemon.log.slice(-10)),
  );

async function reload(daemon: RunningDaemon): Promise<void> {
  const from = daemon.log.length;
  process.kill(daemon.pid, 'SIGHUP');
  await daemon.until('LISTEN', (line) => daemon.log.indexOf(line) >= from && isEvent('listening')(line));
}

it('takes a queue table that the daemon of another root has, too: what is enqueued there is cleared in both', async () => {
  elsewhere = startUncached(other.configure(iniFor(other, database.config, { handlers: dates })));
  await elsewhere.until('LISTEN', isEvent('listening'));
  await marked(other.root, client, elsewhere);
  const daemon = await start({ handlers: ports });
  await marked(site.root, client, daemon);

  site.configure(iniFor(site, database.config, { handlers: ports + dates }));
  await reload(daemon);
  for (const where of [site, other]) where.write(['daily/2020/1', 'daily/2021/1', 'ports/www/a/1']);
  await enqueuePort('www', 'a');
  await client.query(
    `INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2020-01-03'); NOTIFY date_updated; NOTIFY port_updated`,
  );
  await gone(site, 'daily/2020/1', daemon);
  await gone(site, 'ports/www/a/1', daemon);
  await gone(other, 'daily/2020/1', elsewhere);
  expect(site.pages()).toEqual(['daily/2021/1']);
  // Its daemon has no handler for ports.
  expect(other.pages()).toEqual(['daily/2021/1', 'ports/www/a/1']);
  const errors = [daemon, elsewhere].flatMap(({ log }) =>
    log.filter((line) => line.level >= 50 && !isLate(line)),
  );
  expect(errors.filter(({ event }) => event !== 'unknown-handler')).toEqual([]);
});

it('takes another root for itself, which is wiped, since it missed what was cleared before', async () => {
  const daemon = await start({ handlers: ports });
  await enqueuePort('www', 'first');
  await client.query('NOTIFY port_updated');
  await daemon.until('clearing', isEvent('cleared'));
  other.write(['ports/www/a/1', 'searchlog.txt']);
  try {
    site.configure(iniFor(other, database.config, { handlers: ports }));
    await reload(daemon);
    await daemon.until('wipe', isEvent('cache-wiped', { reason: 'new' }));
    expect(other.pages()).toEqual(['searchlog.txt']);
    await eventually(
      'live',
      async () =>
        (
          await client.query(`SELECT FROM uncached.consumer WHERE state = 'live' AND place = $1`, [
            other.root,
          ])
        ).rowCount === 1 || undefined,
      async () => JSON.stringify(daemon.log.slice(-10)),
    );
    other.write(['ports/www/b/1', 'ports/www/c/1']);
    site.write(['ports/www/b/1', 'ports/www/c/1']);
    await enqueuePort('www', 'b');
    await client.query('NOTIFY port_updated');
    await gone(other, 'ports/www/b/1', daemon);
    expect(other.pages()).toEqual(['ports/www/c/1', 'searchlog.txt']);

    // The former root was away, and now gets the rows that it missed.
    site.configure(iniFor(site, database.config, { handlers: ports }));
    await reload(daemon);
    await gone(site, 'ports/www/b/1', daemon);
    expect(site.pages()).toEqual(['ports/www/c/1']);
    expect(daemon.log.filter(isEvent('cache-wiped'))).toHaveLength(1);
    expect(daemon.log.filter(isEvent('reload-refused'))).toEqual([]);
  } finally {
    await daemon.stop();
  }
});
