import { chmodSync, mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { ordinaryAccount } from '../postgres/account.ts';
import { iniFor } from '../site.ts';
import { startUncached, uncached } from '../uncached.ts';
import { client, database, site } from './site-and-database.ts';

/** Root can enter any directory, so the daemon runs as another user. */
const account = ordinaryAccount();
const enter =
  "give the daemon's user read, write and execute permission on that directory, and execute permission on those above it (chown, chmod)";

let file: string;
beforeEach(() => {
  file = site.configure(iniFor(site, database.config));
  chmodSync(dirname(site.root), 0o755);
});
const run = (...args: string[]) => uncached(['--config', file, ...args], {}, account && { account });

it.skipIf(!account)('a root that may not be opened is named by every command that clears', async () => {
  chmodSync(site.root, 0o700);
  await client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'a')`);
  const told = `root ${site.root} cannot be opened: EACCES`;
  for (const command of [['clear', 'news'], ['clear', 'news', '--dry-run'], ['drain']]) {
    const { code, stderr } = await run(...command);
    expect(code).toBe(1);
    expect(stderr).toContain(told);
    // It is reported once, with the remedy, and nothing false is reported.
    expect(stderr.match(/EACCES/g)?.length).toBe(1);
    expect(stderr.split(enter).length).toBe(2);
    expect(stderr).not.toMatch(/delete|again/);
  }
  const daemon = startUncached(file, {}, account && { account });
  const { msg } = await daemon.until('alarm', ({ event }) => event === 'loop-failed');
  expect(msg).toContain(told);
  expect(msg).toContain(`${enter}; retrying until it works`);
  await daemon.stop();
});

it.skipIf(!account)(
  'a directory that may not be opened is told as that, not as a file that cannot be deleted',
  async () => {
    mkdirSync(join(site.root, 'news'), { mode: 0o700 });
    for (const more of [[], ['--dry-run']])
      expect(await run('clear', 'news', ...more)).toMatchObject({
        code: 1,
        stderr: 'uncached: cannot open news: EACCES, permission denied\n',
      });
  },
);
