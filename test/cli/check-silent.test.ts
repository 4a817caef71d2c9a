import { existsSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { canMount, inNamespace } from '../faults/namespace.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { iniFor, makeSite } from '../site.ts';
import { uncached } from '../uncached.ts';

const database = testDatabase();

/** The command itself holds the handle, so that nothing hangs any more when the command has ended. */
const hang =
  'exec 3<>/dev/fuse && mount -i -t fuse hang "$1/daily" -o fd=3,rootmode=40000,user_id=0,group_id=0';

const canHang = canMount() && existsSync('/dev/fuse') && process.getuid?.() === 0;

it.skipIf(!canHang)(
  'check, a dry run and explain name what does not answer, and end; check names everything else',
  { timeout: 240_000 },
  async () => {
    const site = makeSite();
    try {
      mkdirSync(join(site.root, 'daily'));
      const ini = iniFor(site, database.config).replace(
        'queue = cache_clearing_dates',
        'queue = missing_dates',
      );
      const file = site.configure(ini);
      // Only SIGKILL would end a hanging command.
      const before = [...inNamespace(hang, site.root), 'timeout', '-s', 'KILL', '100'];
      const on = (...args: string[]) => uncached(['--config', file, ...args], {}, { before });
      const [{ code, stdout }, dryRun, explained] = await Promise.all([
        on('check'),
        on('clear', 'listen_date_updated', 'date_to_clear=2020-01-03', '--dry-run'),
        on('explain', 'daily/2020/01/03.html'),
      ]);
      expect(stdout).toContain(`${site.root}/daily does not answer: its disk or file server may be gone`);
      expect(stdout).toContain('missing_dates');
      expect(code).toBe(1);
      const silent = (path: string) => ({
        code: 1,
        stdout: '',
        stderr: expect.stringContaining(`uncached: ${site.root}/${path} does not answer: `),
      });
      expect(dryRun).toEqual(silent('daily'));
      expect(explained).toEqual(silent('daily/2020/01/03.html'));
    } finally {
      site.remove();
    }
  },
);
