import { afterEach, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { type RunningDaemon, startUncached } from '../uncached.ts';
import { client, enqueuePort, isEvent, site, start } from './running.ts';
import { database } from './site-and-database.ts';

const ports = '[handler.listen_port]\nqueue = cache_clearing_ports\nclear[] = ports/{category}/{port}/*\n';
const dates =
  '[handler.listen_date_updated]\nqueue = cache_clearing_dates\nclear[] = daily/{date_to_clear:%Y}/*\n';

let elsewhere: { site: Site; daemon: RunningDaemon } | undefined;
afterEach(async () => {
  await elsewhere?.daemon.stop();
  elsewhere?.site.remove();
  elsewhere = undefined;
});

it('refuses to take queue tables from a daemon with another root, and goes on with its own', async () => {
  const other = makeSite();
  elsewhere = {
    site: other,
    daemon: startUncached(other.configure(iniFor(other, database.config, { handlers: dates }))),
  };
  await elsewhere.daemon.until('LISTEN', isEvent('listening'));
  const daemon = await start({ handlers: ports });
  // When both have cleared, both have recorded their root.
  await client.query(
    `INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2020-01-03'); NOTIFY date_updated`,
  );
  await elsewhere.daemon.until('clearing', isEvent('cleared'));

  site.configure(iniFor(site, database.config, { handlers: ports + dates }));
  process.kill(daemon.pid, 'SIGHUP');
  const line = await daemon.until('refusal', isEvent('reload-refused'));
  expect(line.msg).toContain(`a daemon that clears another root, ${other.root}`);

  site.write(['ports/www/a/1']);
  await enqueuePort('www', 'a');
  await client.query('NOTIFY port_updated');
  await daemon.until('clearing', isEvent('cleared', { handler: 'listen_port' }));
  expect(site.pages()).toEqual([]);
});

it('takes another root for itself', async () => {
  const daemon = await start({ handlers: ports });
  await enqueuePort('www', 'first');
  await client.query('NOTIFY port_updated');
  await daemon.until('clearing', isEvent('cleared'));
  const other = makeSite();
  try {
    site.configure(iniFor(other, database.config, { handlers: ports }));
    const from = daemon.log.length;
    process.kill(daemon.pid, 'SIGHUP');
    await daemon.until('LISTEN', (line) => daemon.log.indexOf(line) >= from && isEvent('listening')(line));
    other.write(['ports/www/a/1']);
    await enqueuePort('www', 'a');
    await client.query('NOTIFY port_updated');
    await eventually(
      'cleared',
      async () => other.pages().length === 0 || undefined,
      async () => JSON.stringify(daemon.log.slice(-10)),
    );
    expect(daemon.log.filter(isEvent('reload-refused'))).toEqual([]);
  } finally {
    await daemon.stop();
    other.remove();
  }
});
