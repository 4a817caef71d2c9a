import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, inject, it, vi } from 'vitest';
import { eventually } from './eventually.ts';
import { canMount, enterNamespace, inNamespace } from './namespace.ts';
import { expectDone, expectWhole } from './whole.ts';
import { World } from './world.ts';

const mounts = canMount();
vi.setConfig({ testTimeout: 300_000 });

let world: World;
afterEach(() => world.close());

/** A disk of 64 KiB mounted as root, invisible to other processes. */
const smallDisk = 'mount -t tmpfs -o size=64k,mode=755 none "$1"';

/** A path below root as the daemon sees it. */
const there = (path: string) => join(`/proc/${world.daemon.pid}/root`, world.site.root, path);

it.skipIf(!mounts)('clears on a full disk, where not even its own marker can be kept', async () => {
  const published =
    'mkdir -p "$1/ports/www/stale" && dd if=/dev/zero of="$1/ports/www/stale/page" bs=4k count=4';
  const filled = '(cat /dev/zero > "$1/fill" || true) 2> /dev/null';
  world = await World.open(inject('postgres'), {
    // No heartbeat comes in time. On a busy machine one may be late, which would be another error.
    heartbeat: '60s',
    within: (root) => inNamespace(`${smallDisk} && ${published} 2> /dev/null && ${filled}`, root),
  });
  await world.start();
  const alarm = await world.daemon.until('alarm', ({ event }) => event === 'disk-failing');
  expect(alarm).toMatchObject({ code: 'ENOSPC', level: 50 });
  expect(alarm.msg).toMatch(/Cannot keep the marker .*: ENOSPC.*free some space/);

  await world.enqueue('stale');
  await eventually(
    'cleared',
    async () => (existsSync(there('ports/www/stale/page')) ? undefined : true),
    async () => world.lastWords(),
  );
  // The deleted files freed space.
  await world.daemon.until('end', ({ event }) => event === 'disk-recovered');
  expect(existsSync(there('.uncached'))).toBe(true);
  await expectDone(world);
  expect(await world.daemon.stop()).toBe(0);
  expect(world.daemon.log.filter(({ level }) => level >= 50)).toHaveLength(1);
});

it('clears although its log cannot be written, and says so once on standard error', async () => {
  world = await World.open(inject('postgres'), {
    within: () => ['sh', '-c', 'exec "$@" > /dev/full', 'sh'],
  });
  world.spawn();
  await world.probe();
  await expectWhole(world);
  expect(world.daemon.complaints()).toMatch(/^uncached: cannot write the log: ENOSPC.*free space.*\n$/);
});

it.skipIf(!mounts)(
  'goes on with its log when the disk has room again, and tells how much is lost',
  async () => {
    world = await World.open(inject('postgres'), {
      ini: { more: 'log = debug' },
      within: (root) =>
        inNamespace(
          `${smallDisk} && dd if=/dev/zero of="$1/fill" bs=4k count=13 2> /dev/null && exec > "$1/log"`,
          root,
        ),
    });
    world.spawn();
    // What comes after the last line end may be the beginning of a line.
    const lines = () => readFileSync(there('log'), 'utf8').split('\n').slice(0, -1).filter(Boolean);
    const notifyUntil = (what: string, holds: () => boolean, againMs?: number) =>
      eventually(
        what,
        async () => {
          await world.query('NOTIFY port_updated');
          return holds() || undefined;
        },
        async () => `${lines().slice(-5).join('\n')} ${world.daemon.complaints()}`,
        100_000,
        againMs,
      );
    await notifyUntil('a full disk', () => world.daemon.complaints() !== '');
    enterNamespace(world.daemon.pid, 'rm', join(world.site.root, 'fill'));
    // Seldom: a daemon that is late logs all of these notifications, and must not fill the disk again.
    const goesOn = () => lines().some((line) => /"log-lines-lost"/.test(line));
    await notifyUntil('the log going on', goesOn, 500);
    const parsed = lines().map((line) => {
      try {
        return JSON.parse(line) as { event: string; lines?: number };
      } catch {
        return { event: 'torn' };
      }
    });
    expect(parsed.filter(({ event }) => event === 'torn').length).toBeLessThanOrEqual(1);
    expect(parsed.find(({ event }) => event === 'log-lines-lost')?.lines).toBeGreaterThan(0);
    mkdirSync(there('ports/www/stale'), { recursive: true });
    writeFileSync(there('ports/www/stale/page'), 'page');
    await world.enqueue('stale');
    await expectDone(world);
    expect(existsSync(there('ports/www/stale/page'))).toBe(false);
    expect(await world.daemon.stop()).toBe(0);
    expect(world.daemon.complaints().split('\n')).toHaveLength(2);
  },
);
