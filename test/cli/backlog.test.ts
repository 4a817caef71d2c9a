import type { Client } from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { withClient } from '../postgres/connection.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { startUncached, uncached } from '../uncached.ts';
import { backlogSize, enqueueBacklog, namedPages, otherPages } from '../workload.ts';

const database = testDatabase();
let site: Site;
let named: number;

beforeEach(async () => {
  site = makeSite();
  named = site.write(namedPages());
  site.write(otherPages);
  await withClient(database.config, enqueueBacklog);
});
afterEach(() => site.remove());

async function counts(): Promise<unknown> {
  return withClient(database.config, async (client: Client) => {
    const { rows } = await client.query(
      `SELECT (SELECT count(*)::int FROM cache_clearing_ports) AS ports,
              (SELECT count(*)::int FROM cache_clearing_dates) AS dates,
              (SELECT count(*)::int FROM uncached.journal) AS journal`,
    );
    return rows[0];
  });
}

const empty = { ports: 0, dates: 0, journal: 0 };

describe('a backlog that waits at the start', () => {
  it('is drained by `drain`: exactly the named pages go', async () => {
    expect(await counts()).toEqual({ ...backlogSize, journal: 0 });
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

  it('is drained by `run`: exactly the named pages go', async () => {
    const daemon = startUncached(site.configure(iniFor(site, database.config)));
    const done = { entries: 0, files: 0 };
    await daemon.until('end of the backlog', (line) => {
      if (line.event !== 'cleared') return false;
      done.entries += Number(line.entries);
      return done.entries === backlogSize.ports + backlogSize.dates;
    });
    expect(await daemon.stop()).toBe(0);
    expect(site.pages()).toEqual([...otherPages].sort());
    expect(await counts()).toMatchObject({ ports: 0, dates: 0 });
    expect(daemon.log.filter(({ level }) => level > 40).map(({ msg }) => msg)).toEqual([]);
    expect(daemon.log.at(-1)?.event).toBe('stopped');
  });
});
