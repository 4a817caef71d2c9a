import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { unsettled } from '../postgres/unsettled.ts';
import { eventually } from './eventually.ts';
import { inWorld } from './in-world.ts';
import { canMount, inNamespace } from './namespace.ts';
import type { World } from './world.ts';

vi.setConfig({ testTimeout: 300_000 });

/** How long the daemon waits for a worker. Once the hanging path is known, no other work waits for it. */
const patienceMs = 10_000;

const options = 'fd=3,rootmode=40000,user_id=0,group_id=0';
const canHang = canMount() && existsSync('/dev/fuse') && process.getuid?.() === 0;

/**
 * A set with a path that is literal text in a template: a front. Its pages are inspected too before anything
 * settles.
 */
it.skipIf(!canHang).concurrent.each(['from the start', 'while the daemon runs'])(
  'a set that does not answer %s stops neither the clearing nor the settling of the others',
  async (when) => {
    const early = when === 'from the start';
    const hang = early ? `exec 3<>/dev/fuse && mount -i -t fuse hang "$1/daily" -o ${options}` : 'true "$1"';
    const fuse = early ? undefined : openSync('/dev/fuse', 'r+');
    try {
      await inWorld({ within: (root) => inNamespace(hang, root) }, (world) => expectOthers(world, fuse));
    } finally {
      if (fuse !== undefined) closeSync(fuse);
    }
  },
);

/** @param fuse for a path that is to hang after the daemon has started */
async function expectOthers(world: World, fuse: number | undefined): Promise<void> {
  mkdirSync(join(world.site.root, 'daily'), { recursive: true });
  // A daemon that does not know yet which root this is claims, all the same, and a new root is wiped after that.
  await world.register();
  const daemon = await world.start();
  if (fuse !== undefined) {
    const mount = ['-t', String(daemon.pid), '-m', 'mount', '-i', '-t', 'fuse', 'hang'];
    const { status } = spawnSync('nsenter', [...mount, join(world.site.root, 'daily'), '-o', options], {
      stdio: ['ignore', 'inherit', 'inherit', fuse],
    });
    expect(status).toBe(0);
  }
  await world.query(`WITH entry AS (INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2020-02-04'))
      SELECT pg_notify('date_updated', '')`);
  await world.probe();
  await daemon.until('alarm', ({ event }) => event === 'disk-failing');
  expect(await world.ownMs(() => world.probe())).toBeLessThan(patienceMs);
  await eventually(
    'settled ports',
    async () =>
      (await world.query(`SELECT FROM ${unsettled} WHERE handler = 'listen_port'`)).length === 0 || undefined,
    async () => world.lastWords(),
  );
  expect(await world.query(`SELECT FROM ${unsettled} WHERE handler = 'listen_date_updated'`)).toHaveLength(1);
  const endingMs = await world.ownMs(async () => expect(await daemon.stop()).toBe(0));
  expect(endingMs).toBeLessThan(9_000);
}
