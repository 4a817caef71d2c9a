import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { backlogSize, namedPages, otherPages } from '../workload.ts';
import { freshPorts } from './incident.ts';
import { predecessorMissing as missing } from './predecessor.ts';
import { below } from './tree.ts';
import type { FreshPorts } from './world.ts';

// There are tens of thousands of files, entries or lines.
vi.setConfig({ testTimeout: 300_000 });

const at = freshPorts();
const entries = backlogSize.ports + backlogSize.dates;
const news = below('news/');

describe('2020-01: it crashed on every NOTIFY, and two days went by', () => {
  it('uncached: status alarms while the daemon is down, and the start clears everything', async () => {
    const { site } = at;
    await enqueueTwoDays(site);
    const { code, stdout } = await site.ask(['status']);
    expect(code).toBe(2);
    expect(stdout).toMatch(
      /^UNCACHED CRITICAL - no daemon is connected: start it; listen_port lags 1728\d\d(\.\d)? s behind/,
    );
    expect(stdout).toContain(`backlog=${entries} `);
    expect(stdout).toMatch(/\nlisten_port +20508 /);
    expect(stdout).toMatch(/\nlisten_date_updated +290 /);

    await site.startUncached();
    await site.settled();
    const left = new Set(site.site.pages());
    expect([...namedPages()].filter((page) => left.has(page))).toEqual([]);
    expect(otherPages.filter((page) => !left.has(page))).toEqual([]);
    await site.healthy();
  });

  it.skipIf(missing)('the predecessor: has no alarm, crashes again, and once mended waits', async () => {
    const { site } = at;
    await enqueueTwoDays(site);
    const upgraded = { PYTHONPATH: withoutFunction(site) };
    for (const _restart of [1, 2]) {
      const crashing = await site.startPredecessor({}, upgraded);
      await site.query('commits', 'NOTIFY date_updated');
      expect(await crashing.ended).toBe(1);
      expect(crashing.lines.at(-1)).toMatch(/^AttributeError/);
    }

    const mended = await site.startPredecessor();
    await site.query('commits', 'NOTIFY vuxml');
    await mended.until('vuxml: done');
    expect(await site.backlog()).toBe(entries);
    expect(site.has('daily/2020/01/03.daily.head')).toBe(true);
  });
});

describe('2020-01: cache/new/* for cache/news/*, on every server', () => {
  it('uncached: check says that the template matches nothing, and what was meant', async () => {
    const { site } = at;
    const { code, stdout } = await site.ask(['check'], { news: 'new' });
    expect(code).toBe(1);
    expect(stdout).toContain(
      `matches nothing: there is no directory ${site.site.root}/new, did you mean "news"?`,
    );
  });

  it.skipIf(missing)('the predecessor: has nothing to say, and the news stay', async () => {
    const { site } = at;
    const daemon = await site.startPredecessor({ news: 'new/*' });
    await site.touch(1);
    await daemon.until('port_updated: done');
    expect(below('ports/www/nginx/').filter((page) => site.has(page))).toEqual([]);
    expect(news.every((page) => site.has(page))).toBe(true);
    expect(daemon.lines).toEqual(['listening', 'port_updated: done']);
  });
});

describe('a connection that is cut', () => {
  const cut = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'listening'`;
  const nginx = below('ports/www/nginx/');

  it('uncached: connects again and catches up', async () => {
    const { site } = at;
    await site.startUncached();
    await site.query('postgres', cut);
    await site.touch(1);
    await site.gone(...nginx);
    await site.settled();
  });

  it.skipIf(missing)('the predecessor: ends, and started again it waits', async () => {
    const { site } = at;
    const daemon = await site.startPredecessor();
    await site.query('postgres', cut);
    expect(await daemon.ended).toBe(1);
    await site.touch(1);
    const next = await site.startPredecessor();
    await site.query('commits', 'NOTIFY vuxml');
    await next.until('vuxml: done');
    expect(await site.backlog()).toBe(1);
    expect(nginx.every((page) => site.has(page))).toBe(true);
  });
});

/** As it was at that time: without a unique constraint. */
async function enqueueTwoDays(site: FreshPorts): Promise<void> {
  site.write([...namedPages(), ...otherPages]);
  await site.query(
    'postgres',
    `
    ALTER TABLE cache_clearing_ports DROP CONSTRAINT cache_clearing_ports_category_port_idx;
    INSERT INTO cache_clearing_ports (port_id, category, port, date_added)
    SELECT 1, 'cat' || lpad((p % 60)::text, 2, '0'), 'port-' || lpad(p::text, 6, '0'), now() - interval '2 days'
      FROM (SELECT n * 2741 % 5000 AS p FROM generate_series(1, ${backlogSize.ports}) AS n) AS ports;
    INSERT INTO cache_clearing_dates (date_to_clear, date_added)
    SELECT date '2020-01-01' + n % 29, now() - interval '2 days' FROM generate_series(1, ${backlogSize.dates}) AS n`,
  );
}

/** Simulates a newer Python, in which a function that is called for every notification no longer exists. */
function withoutFunction({ site }: FreshPorts): string {
  const directory = join(dirname(site.root), 'python');
  mkdirSync(directory, { recursive: true });
  writeFileSync(join(directory, 'sitecustomize.py'), 'import glob\ndel glob.glob\n');
  return directory;
}
