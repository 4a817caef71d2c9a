import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, expect, inject, it } from 'vitest';
import { ordinaryAccount } from '../postgres/account.ts';
import { expectWhole } from './whole.ts';
import { World } from './world.ts';

/** Root may delete anything: the daemon runs as somebody else, which only root can arrange. */
const account = ordinaryAccount();
if (!account) console.warn('SKIPPED: a directory that may not be written is tested as root only');

let world: World;
afterEach(() => world.close());

it.skipIf(!account)(
  'keeps what it may not delete (EACCES) in the journal, clears the rest, and recovers',
  async () => {
    if (!account) return;
    // The directories that this process makes are to be writable for the daemon, but for one.
    process.umask(0);
    world = await World.open(inject('postgres'), { account, tcp: true });
    chmodSync(dirname(world.site.root), 0o755);
    await world.start();
    const directory = join(world.site.root, 'ports/www/forbidden');
    mkdirSync(directory);
    writeFileSync(join(directory, 'Detail.html'), 'page');
    chmodSync(directory, 0o555);
    const page = await world.enqueue('forbidden');
    const failed = await world.daemon.until('failure', ({ event }) => event === 'rows-failed');
    expect(failed.msg).toContain('EACCES');
    await world.probe();
    expect(existsSync(join(world.site.root, page))).toBe(true);
    const [row] = await world.query<{ last_error: string }>('SELECT last_error FROM uncached.journal');
    expect(row?.last_error).toContain('EACCES');

    chmodSync(directory, 0o777);
    await world.gone(page);
    await expectWhole(world);
  },
);
