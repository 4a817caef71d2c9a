import { expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { freshportsHandlers, iniFor } from '../site.ts';
import { client, isEvent, site, start } from './running.ts';
import { database } from './site-and-database.ts';

it('a reload keeps the log for no command that is not configured any more', async () => {
  const handlers = freshportsHandlers.replace('[handler.news]', '[handler.news]\nrun = true');
  const daemon = await start({ handlers });
  const following = async () =>
    Number(
      (await client.query(`SELECT count(*) FROM uncached.consumer WHERE kind = 'command'`)).rows[0].count,
    );
  const until = (commands: number) =>
    eventually(
      `${commands} commands`,
      async () => (await following()) === commands || undefined,
      async () => JSON.stringify(daemon.log.slice(-5)),
    );
  await until(5);
  site.configure(iniFor(site, database.config));
  process.kill(daemon.pid, 'SIGHUP');
  await until(0);
  expect(daemon.log.filter(isEvent('notice'))).toEqual([]);
});
