import type { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { withClient } from '../postgres/connection.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { forgetClearings, unsettled } from '../postgres/unsettled.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { startUncached, uncached } from '../uncached.ts';
import { backlogSize, enqueueBacklog, namedPages, otherPages } from '../workload.ts';
import { isLate } from './late.ts';

const database = testDatabase();
let site: Site;
let named: number;

beforeEach(async () => {
  site = makeSite();
  named = site.write(namedPages());
  site.write(otherPages);
  await withClient(database.config, forgetClearings);
  await withClient(database.config, enqueueBacklog);
});
afterEach(() => site.remove());

async function counts(): Promise<Record<string, number>> {
  return withClient(database.config, async (client: Client) => {
    const { rows } = await client.query(
      `SELECT (SELECT count(*)::int FROM cache_clearing_ports) AS ports,
              (SELECT count(*)::int FROM cache_clearing_dates) AS dates,
              (SELECT count(*)::int FROM ${unsettled}) AS unsettled`,
    );
    return rows[0];
  });
}

const empty = { ports: 0, dates: 0, unsettled: 0 };

describe('a backlog that waits at the start', () => {
  it('is drained by `drain`: exactly the named pages go', async () => {
    expect(await counts()).toEqual({ ...backlogSize, unsettled: 0 });
    const { code, stdout, stderr } = await uncached([
      '--config',
      site.configure(iniFor(site, database.config)),
      'drain',
    ]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(`cleared ${backlogSize.ports + backlogSize.dates} entries, deleted ${named} files\n`);
    expect(site.pages()).toEqual([...otherPages].sort());
    expect(await counts()).toEqual(empty);
  });

  it('is drained by `run`: exactly the named pages go', { timeout: 240_000 }, async () => {
    const daemon = startUncached(site.configure(iniFor(site, database.config)));
    let entries = 0;
    await daemon.until(
      'end of the backlog',
      (line) => {
        if (line.event !== 'cleared') return false;
        entries += Number(line.entries);
        return entries === backlogSize.ports + backlogSize.dates;
      },
      100_000,
    );
    // A stop in the middle of the second clearings would give up a worker that is slow.
    await eventually(
      'all settled',
      async () => (await counts()).unsettled === 0 || undefined,
      async () => JSON.stringify(daemon.log.slice(-10)),
      100_000,
      250,
    );
    expect(await daemon.stop()).toBe(0);
    expect(site.pages()).toEqual([...otherPages].sort());
    expect(await counts()).toEqual(empty);
    const errors = daemon.log.filter((line) => line.level > 40 && !isLate(line));
    // On a busy machine the last entries may wait for a minute.
    expect(errors.filter(({ event }) => event !== 'problem-found').map(({ msg }) => msg)).toEqual([]);
    expect(daemon.log.at(-1)?.event).toBe('stopped');
  });
});
