import { chmodSync, readdirSync, rmSync, unlinkSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { isFailure } from './events.ts';
import { freshPorts } from './incident.ts';
import { many, midway } from './midway.ts';
import { predecessorMissing as missing } from './predecessor.ts';
import { below } from './tree.ts';
import type { FreshPorts } from './world.ts';

// There are tens of thousands of files, entries or lines.
vi.setConfig({ testTimeout: 300_000 });

const at = freshPorts({ shared: true });
const nginx = below('ports/www/nginx/Detail.');
const apache = below('ports/www/apache24/');
const day = below('daily/2020/01/03.');
const touchDay = `UPDATE commit_log SET description = 'mended' WHERE id = 1`;

describe('2020: an entry that cannot be deleted', () => {
  it('uncached: the others are cleared, and it is tried again ever less often, until it can be', async () => {
    const { site } = at;
    await site.startUncached();
    mode(site, 'ports/www/nginx', 0o555);
    await site.touch(1);
    await site.touch(2);
    await site.query('commits', touchDay);
    await site.gone(...apache, ...day);
    const row = await triedAgain(site);
    expect(nginx.every((page) => site.has(page))).toBe(true);
    expect(row).toMatchObject({
      handler: 'listen_port',
      key: { category: 'www', port: 'nginx' },
      last_error: expect.stringMatching(/^cannot delete ports\/www\/nginx\/.*: EACCES/),
    });
    // A busy loop would have hundreds of attempts by now.
    expect(row.attempts).toBeLessThan(2 + row.age);

    mode(site, 'ports/www/nginx', 0o775);
    await site.gone(...nginx);
    await site.settled();
  });

  it.skipIf(missing)('the predecessor: loops over it for ever, and serves nobody else', async () => {
    const { site } = at;
    const daemon = await site.startPredecessor();
    mode(site, 'ports/www/nginx', 0o555);
    await site.touch(1);
    await daemon.until('cannot remove');
    await site.query('commits', touchDay);
    await daemon.until('cannot remove', 2_000);
    expect(day.every((page) => site.has(page))).toBe(true);
    expect(daemon.lines.some((line) => line.endsWith('done'))).toBe(false);
    mode(site, 'ports/www/nginx', 0o775);
  });
});

describe('2021: a rollback undid the ownership, and no deletion was allowed', () => {
  const directories = ['ports/www/nginx', 'ports/www/apache24', 'categories/www'];
  const pages = [...nginx, ...apache, ...below('categories/www/')];

  it('uncached: status tells, nothing is lost, and all goes after the mend', async () => {
    const { site } = at;
    const daemon = await site.startUncached({ sweep: '1s' });
    for (const directory of directories) mode(site, directory, 0o555);
    await site.touch(1);
    await site.touch(2);
    const refusal = await daemon.until('alarm', ({ event }) => event === 'disk-failing');
    expect(refusal.msg).toMatch(/EACCES.*chown, chmod/);
    await site.query('commits', touchDay);
    await site.gone(...day);
    const { stdout } = await site.ask(['status']);
    expect(stdout).toMatch(
      /^UNCACHED (WARNING|CRITICAL) - .*listen_port: \d rows? failing: cannot delete .*: EACCES/,
    );
    expect(pages.every((page) => site.has(page))).toBe(true);

    for (const directory of directories) mode(site, directory, 0o775);
    expect(await site.ask(['failing', 'retry'])).toMatchObject({ code: 0 });
    await site.gone(...pages);
    await site.settled();
    await site.healthy();
  });

  it.skipIf(missing)('the predecessor: fails round and round, and only its own log knows', async () => {
    const { site } = at;
    const daemon = await site.startPredecessor();
    for (const directory of directories) mode(site, directory, 0o555);
    await site.touch(1);
    await site.touch(2);
    await site.query('commits', touchDay);
    await daemon.until('cannot remove', 2_000);
    expect([...pages, ...day].every((page) => site.has(page))).toBe(true);
    for (const directory of directories) mode(site, directory, 0o775);
  });
});

describe('2023: a file that somebody else deletes at the same time', () => {
  const directory = 'ports/devel/nginx';
  const pages = Array.from(
    { length: many },
    (_, n) => `${directory}/Detail.Part1.head.PageSize100.PageNum${n}.html`,
  );

  /** Deletes half of the remaining files when the daemon is half-way through. */
  async function meetRival(site: FreshPorts, daemon: { pid: number }): Promise<void> {
    const path = join(site.site.root, directory);
    for (let met = false; !met; ) {
      await site.settled();
      site.write(pages);
      met = await midway(
        daemon,
        path,
        () => site.touch(3),
        async (left) => {
          for (const [n, file] of left.entries()) if (n % 2 === 0) unlinkSync(join(path, file));
        },
      );
    }
  }

  it('uncached: gone already is success, and the rest goes too', async () => {
    const { site } = at;
    const daemon = await site.startUncached();
    await meetRival(site, daemon);
    await site.settled();
    expect(readdirSync(join(site.site.root, directory))).toEqual([]);
    expect(daemon.log.filter(isFailure)).toEqual([]);
  });

  it.skipIf(missing)('the predecessor: leaves the rest, and deletes the entry', async () => {
    const { site } = at;
    const daemon = await site.startPredecessor();
    await meetRival(site, daemon);
    await daemon.until('gone already');
    await site.emptied();
    expect(readdirSync(join(site.site.root, directory)).length).toBeGreaterThan(0);
  });
});

describe('2023: a new category', () => {
  it('uncached: is one more event', async () => {
    const { site } = at;
    rmSync(join(site.site.root, 'categories'), { recursive: true });
    await site.startUncached();
    // The second clearing of the news would meet with the writing of them.
    await site.settled();
    site.write(below('news/'));
    await site.query('commits', `INSERT INTO categories (name) VALUES ('budgie')`);
    await site.gone(...below('news/'));
    await site.touch(1);
    await site.gone(...nginx);
    await site.settled();
  });

  it.skipIf(missing)('the predecessor: crashes', async () => {
    const { site } = at;
    const daemon = await site.startPredecessor();
    await site.query('commits', `INSERT INTO categories (name) VALUES ('budgie')`);
    expect(await daemon.ended).toBe(1);
    expect(daemon.lines.at(-1)).toMatch(/^AttributeError.*urlretrieve/);
    expect(below('news/').every((page) => site.has(page))).toBe(true);
  });
});

function mode({ site }: FreshPorts, directory: string, bits: number): void {
  chmodSync(join(site.root, directory), bits);
}

/** The last row that is unsettled, once it has been tried twice and has existed for some seconds. */
function triedAgain(site: FreshPorts) {
  return eventually(
    'alone and tried twice',
    async () => {
      const [row, ...others] = await site.unsettled();
      return row && others.length === 0 && row.attempts >= 2 && row.age > 2 ? row : undefined;
    },
    async () => JSON.stringify(await site.unsettled()),
  );
}
