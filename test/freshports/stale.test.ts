import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { isCleared, isFailure } from './events.ts';
import { freshPorts } from './incident.ts';
import { many, midway } from './midway.ts';
import { predecessorMissing as missing } from './predecessor.ts';
import { below, tree } from './tree.ts';
import type { FreshPorts } from './world.ts';

// There are tens of thousands of files, entries or lines.
vi.setConfig({ testTimeout: 300_000 });

const at = freshPorts();

describe('2022: virtual categories (kde, wayland), stale for a year', () => {
  const [page = ''] = below('categories/kde/');

  /** What a site adds for a new kind of event: a queue table, a trigger, a row in listen_for. */
  const categoryEvent = `
    CREATE TABLE cache_clearing_categories (id serial PRIMARY KEY, category text, date_added timestamp DEFAULT now());
    GRANT SELECT, DELETE ON cache_clearing_categories TO listening;
    INSERT INTO listen_for (name, script_name) VALUES ('category_updated', 'listen_category_updated');
    CREATE FUNCTION category_stale() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
    BEGIN
      INSERT INTO cache_clearing_categories (category) SELECT name FROM categories WHERE id = NEW.category_id;
      NOTIFY category_updated;
      RETURN NULL;
    END
    $$;
    CREATE TRIGGER category_stale AFTER INSERT ON ports_categories FOR EACH ROW EXECUTE FUNCTION category_stale()`;
  const section = `
    [handler.listen_category_updated]
    queue = cache_clearing_categories
    clear[] = categories/{category}/*
    then = news
    `.replace(/^ +/gm, '');
  const change = 'INSERT INTO ports_categories VALUES (3, 4)';

  it('uncached: a row in listen_for and a section name their pages, without a line of code', async () => {
    const { site } = at;
    await site.query('postgres', categoryEvent);
    await site.startUncached({ sections: section });
    await site.query('commits', change);
    await site.gone(page);
    await site.settled();
  });

  it('uncached: a category without a directory, of ports or of its own, is cleared already', async () => {
    const { site } = at;
    const daemon = await site.startUncached();
    await site.query(
      'commits',
      `INSERT INTO categories VALUES (5, 'wayland', false); INSERT INTO ports_categories VALUES (3, 5)`,
    );
    const pages = below('ports/devel/nginx/');
    await site.touch(3);
    await site.gone(...pages);
    await site.settled();
    expect(daemon.log.filter(isFailure)).toEqual([]);
  });

  it.skipIf(missing)('the predecessor: knows no such event without new code', async () => {
    const { site } = at;
    await site.query('postgres', categoryEvent);
    const daemon = await site.startPredecessor();
    await site.query('commits', change);
    await daemon.until('category_updated: no such script');
    await site.touch(1);
    await daemon.until('port_updated: done');
    expect(site.has(page)).toBe(true);
  });
});

describe('2024: a page rendered from old data is stored after the clearing', () => {
  const page = 'ports/www/nginx/Detail.Part1.head.PageSize100.PageNum1.html';

  it('uncached: the second clearing deletes it, once the settle time is over', async () => {
    const { site } = at;
    const daemon = await site.startUncached({ settle: '5s' });
    const stored = await site.whileOpen(async () => {
      await site.touch(1);
      await daemon.until('first clearing', isCleared('listen_port'));
      expect(site.has(page)).toBe(false);
      site.write([page], 'old');
    });
    await site.settled();
    expect(performance.now() - stored).toBeGreaterThanOrEqual(5_000);
    expect(site.has(page)).toBe(false);
  });

  it.skipIf(missing)('the predecessor: it stays', async () => {
    const { site } = at;
    const daemon = await site.startPredecessor();
    await site.touch(1);
    await daemon.until('port_updated: done');
    expect(site.has(page)).toBe(false);
    site.write([page], 'old');
    await site.touch(2);
    await daemon.until('port_updated: done', 2);
    expect(await site.backlog()).toBe(0);
    expect(site.has(page)).toBe(true);
  });
});

describe('a second web host, with a cache of its own', () => {
  const pages = below('ports/www/nginx/');
  let second: FreshPorts;
  beforeEach(() => {
    second = at.site.anotherHost();
  });
  afterEach(() => second.leave());

  it('uncached: each host clears everything, also what it comes to late', async () => {
    const { site } = at;
    await site.startUncached();
    const late = await second.startUncached();
    await site.settled();
    // It was wiped: it is new to a database in which something was cleared. The first one has caught up.
    for (const host of [site, second]) host.write(tree);
    process.kill(late.pid, 'SIGSTOP');
    await site.touch(1);
    await site.gone(...pages);
    process.kill(late.pid, 'SIGCONT');
    await second.gone(...pages);
    await site.settled();
    expect(second.site.pages()).toEqual(site.site.pages());
  });

  it.skipIf(missing)('the predecessor: whoever comes second finds nothing, and its pages stay', async () => {
    const { site } = at;
    const daemon = await site.startPredecessor();
    const late = await second.startPredecessor();
    process.kill(late.pid, 'SIGSTOP');
    await site.touch(1);
    await daemon.until('port_updated: done');
    process.kill(late.pid, 'SIGCONT');
    await late.until('port_updated: done');
    expect(pages.filter((page) => site.has(page))).toEqual([]);
    expect(pages.every((page) => second.has(page))).toBe(true);
  });
});

describe('a commit of the Subversion years, whose pages have a cleaned id', () => {
  const pages = below('commits/200801031415-');
  const touch = `UPDATE commit_log SET description = 'mended' WHERE id = 2`;

  it('uncached: both ids are cleared', async () => {
    const { site } = at;
    await site.startUncached();
    await site.query('commits', touch);
    await site.gone(...pages);
  });

  it.skipIf(missing)('the predecessor: looks for the id as it is, and its pages stay', async () => {
    const { site } = at;
    const daemon = await site.startPredecessor();
    await site.query('commits', touch);
    await daemon.until('commit_updated: done');
    expect(await site.backlog()).toBe(0);
    expect(pages.every((page) => site.has(page))).toBe(true);
  });
});

describe('a day that is enqueued again between the SELECT and the DELETE of its entry', () => {
  const directory = 'daily/2020/01';
  const pages = Array.from({ length: many }, (_, n) => `${directory}/03.daily.branch${n}`);
  const late = `${directory}/03.daily.late`;
  const enqueue = `INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2020-01-03'); NOTIFY date_updated`;

  /** While its pages are half deleted, one is stored from the old data, and then the data change again. */
  async function enqueueMidway(site: FreshPorts, daemon: { pid: number }): Promise<void> {
    for (let met = false; !met; ) {
      await site.settled();
      site.write(pages);
      met = await midway(
        daemon,
        join(site.site.root, directory),
        () => site.query('commits', enqueue),
        async () => {
          site.write([late], 'old');
          await site.query('commits', enqueue);
        },
      );
    }
  }

  it('uncached: the second entry is claimed on its own', async () => {
    const { site } = at;
    const daemon = await site.startUncached();
    await enqueueMidway(site, daemon);
    await site.settled();
    expect(site.has(late)).toBe(false);
    expect(readdirSync(join(site.site.root, directory)).filter((name) => name.startsWith('03.'))).toEqual([]);
  });

  it.skipIf(missing)('the predecessor: deletes it with the first, and the page stays', async () => {
    const { site } = at;
    const daemon = await site.startPredecessor();
    await enqueueMidway(site, daemon);
    await site.emptied();
    await site.query('commits', 'NOTIFY date_updated; NOTIFY vuxml');
    await daemon.until('vuxml: done');
    expect(existsSync(join(site.site.root, late))).toBe(true);
  });
});
