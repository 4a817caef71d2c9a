import { expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { unsettled } from '../postgres/unsettled.ts';
import { iniFor } from '../site.ts';
import { type RunningDaemon, startUncached } from '../uncached.ts';
import { isLate } from './late.ts';
import { client, database, site } from './site-and-database.ts';

/** A list of this many ids, spread into arguments, would overflow the stack. */
const keys = 250_000;

async function isEmpty(): Promise<boolean> {
  const { rows } = await client.query<{ left: boolean }>(
    `SELECT EXISTS (SELECT FROM cache_clearing_ports) OR EXISTS (SELECT FROM ${unsettled}) AS left`,
  );
  return rows[0]?.left === false;
}

it('clears and settles 250,000 different keys', { timeout: 650_000 }, async () => {
  // The category has no pages, because this test is about settling.
  await client.query("DELETE FROM listen_for WHERE script_name <> 'listen_port'");
  await client.query(
    `INSERT INTO cache_clearing_ports (category, port) SELECT 'none', 'port-' || n FROM generate_series(1, ${keys}) n`,
  );
  const more = '[daemon]\nbatch = 50000';
  const handlers = '[handler.listen_port]\nqueue = cache_clearing_ports\nclear[] = {category}/{port}\n';
  const ini = iniFor(site, database.config, { more, handlers });
  const daemon: RunningDaemon = startUncached(site.configure(ini));
  try {
    await eventually(
      'settled',
      async () => ((await isEmpty()) ? true : undefined),
      async () => `the last lines: ${JSON.stringify(daemon.log.slice(-3))}`,
      600_000,
      250,
    );
  } finally {
    await daemon.stop();
  }
  const errors = daemon.log.filter((line) => line.level >= 50 && !isLate(line));
  // On a busy machine the keys themselves may be late, too.
  expect(errors.filter(({ event }) => event !== 'problem-found')).toEqual([]);
});
