import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { freshPorts } from './incident.ts';
import { predecessorMissing as missing } from './predecessor.ts';
import { below } from './tree.ts';

const at = freshPorts();

/** One row of the handler is kept because of its key, and `status` reports it. */
async function keptAndTold(handler: string, why: RegExp): Promise<void> {
  const list = async () => (await at.site.ask(['failing', 'list'])).stdout;
  const kept = new RegExp(`^\\d+  ${handler}  .* an invalid key for .*${why.source}`);
  await eventually('kept', async () => kept.test(await list()) || undefined, list);
  expect(await at.site.ask(['status'])).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(new RegExp(`^UNCACHED WARNING - .*${handler}: 1 row with an invalid key`)),
  });
}

describe('a commit id with a quote in it', () => {
  const commit = `INSERT INTO commit_log (message_id, commit_date) VALUES ('2003''0103@repoman', '2003-01-03')`;
  const pages = [
    'commits/2003-0103-repoman/2003-0103-repoman.www.nginx.n.html',
    `commits/2003'0103@repoman/x.html`,
  ];

  it('uncached: is a value like any other', async () => {
    const { site } = at;
    await site.startUncached();
    site.write(pages);
    await site.query('commits', commit);
    await site.gone(...pages);
    await site.settled();
  });

  it.skipIf(missing)('the predecessor: breaks its SQL, and crashes it at every restart', async () => {
    const { site } = at;
    for (const wake of [commit, 'NOTIFY commit_updated']) {
      const daemon = await site.startPredecessor();
      await site.query('commits', wake);
      expect(await daemon.ended).toBe(1);
      expect(daemon.lines.join('\n')).toContain('psycopg2.errors.SyntaxError');
    }
    expect(await site.backlog('cache_clearing_commits')).toBe(1);
  });
});

describe('a date that is NULL', () => {
  const undated = `INSERT INTO commit_log (message_id) VALUES ('b1f9d52cffff')`;
  const touch = `UPDATE commit_log SET description = 'mended' WHERE id = 1`;
  const day = below('daily/2020/01/03.');

  it('uncached: is kept and told, and the other days are cleared', async () => {
    const { site } = at;
    await site.startUncached();
    await site.query('commits', undated);
    await site.query('commits', touch);
    await site.gone(...day);
    await keptAndTold('listen_date_updated', /date_to_clear is NULL/);
    expect(await site.ask(['failing', 'drop', '--handler', 'listen_date_updated'])).toMatchObject({
      code: 0,
    });
    await site.settled();
  });

  it.skipIf(missing)(
    'the predecessor: crashes at every restart, and no day is ever cleared again',
    async () => {
      const { site } = at;
      for (const wake of [undated, touch]) {
        const daemon = await site.startPredecessor();
        await site.query('commits', wake);
        expect(await daemon.ended).toBe(1);
        expect(daemon.lines.at(-1)).toMatch(/^AttributeError: 'NoneType'/);
      }
      expect(await site.backlog('cache_clearing_dates')).toBe(2);
      expect(day.every((page) => site.has(page))).toBe(true);
    },
  );
});

describe('a key that is a pattern, or a way out of the cache', () => {
  const enqueue = `
    INSERT INTO cache_clearing_ports (port_id, category, port) VALUES (1, '../..', 'outside'), (1, 'www', '*');
    NOTIFY port_updated`;
  const neighbours = below('ports/www/nginx/', 'ports/www/apache24/');

  function writeOutside(root: string): string {
    const directory = join(dirname(root), 'outside');
    mkdirSync(directory);
    writeFileSync(join(directory, 'file'), 'not a page');
    return join(directory, 'file');
  }

  it('uncached: is one name, or refused and told', async () => {
    const { site } = at;
    const file = writeOutside(site.site.root);
    await site.startUncached();
    await site.query('commits', enqueue);
    await site.gone(...below('categories/www/'));
    await site.emptied();
    expect(existsSync(file)).toBe(true);
    expect(neighbours.every((page) => site.has(page))).toBe(true);
    await keptAndTold('listen_port', /: no page can have this key/);
    expect(await site.ask(['failing', 'drop', '--handler', 'listen_port'])).toMatchObject({ code: 0 });
  });

  it.skipIf(missing)('the predecessor: deletes what is outside, and every port of the category', async () => {
    const { site } = at;
    const file = writeOutside(site.site.root);
    const daemon = await site.startPredecessor();
    await site.query('commits', enqueue);
    await daemon.until('port_updated: done');
    expect(existsSync(file)).toBe(false);
    expect(neighbours.filter((page) => site.has(page))).toEqual([]);
  });
});
