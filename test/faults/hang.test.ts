import { existsSync } from 'node:fs';
import { expect, it, vi } from 'vitest';
import { get } from '../http/get.ts';
import { freePort } from '../postgres/free-port.ts';
import { unsettled } from '../postgres/unsettled.ts';
import { eventually } from './eventually.ts';
import { inWorld } from './in-world.ts';
import { canMount, inNamespace } from './namespace.ts';
import type { World } from './world.ts';

vi.setConfig({ testTimeout: 300_000 });

/** How long the daemon waits for a worker. */
const patienceMs = 10_000;

/** The daemon itself holds the handle. When the daemon ends, nothing hangs any more. */
const hang =
  'mkdir -p "$1/ports/www/hung" && exec 3<>/dev/fuse && mount -i -t fuse hang "$1/ports/www/hung" -o fd=3,rootmode=40000,user_id=0,group_id=0';

const canHang = canMount() && existsSync('/dev/fuse') && process.getuid?.() === 0;

it.skipIf(!canHang).concurrent(
  'an entry that names what does not answer is told with its path, and stops neither others nor the end',
  async () => {
    const port = await freePort();
    const more = `[http]\nlisten = 127.0.0.1:${port}`;
    // No heartbeat comes in time. On a busy machine one may be late, and then the status is not OK for a moment.
    const options = { heartbeat: '60s', ini: { more }, within: (root: string) => inNamespace(hang, root) };
    await inWorld(options, async (world) => {
      const daemon = await world.start();
      await enqueueHung(world);
      // Once before the hanging directory is known, and again when it is known.
      await others(world, port);
      const alarm = await daemon.until('alarm', ({ event }) => event === 'disk-failing');
      expect(alarm.msg).toContain('cannot open ports/www/hung: ETIMEDOUT, does not answer');
      expect(alarm.msg).toContain('bring its disk or file server back');
      await others(world, port);
      // By now other entries of the same handler do not wait either.
      expect(await world.ownMs(() => world.probe())).toBeLessThan(patienceMs);
      const [row] = await world.query<{ last_error: string }>('SELECT last_error FROM uncached.failing');
      expect(row?.last_error).toContain('ports/www/hung');
      await expectEnd(world);
    });
  },
);

it.skipIf(!canHang).concurrent('SIGTERM ends the daemon while a worker hangs, and the row stays', () =>
  inWorld({ within: (root) => inNamespace(hang, root) }, async (world) => {
    await world.start();
    await enqueueHung(world);
    await eventually(
      'claimed',
      async () => (await world.query(`SELECT FROM ${unsettled}`)).length === 1 || undefined,
      async () => world.lastWords(),
    );
    await expectEnd(world);
    expect(await world.query(`SELECT FROM ${unsettled}`)).toHaveLength(1);
  }),
);

/** Another handler's page is deleted in less than the time-out of a worker, and the daemon's status is OK. */
async function others(there: World, port: number): Promise<void> {
  const page = 'daily/2020/02/04.daily.head';
  there.site.write([page]);
  const ms = await there.ownMs(async () => {
    await there.query(`WITH entry AS (INSERT INTO cache_clearing_dates (date_to_clear) VALUES ('2020-02-04'))
      SELECT pg_notify('date_updated', '')`);
    await there.gone(page);
  });
  expect(ms).toBeLessThan(patienceMs);
  expect(await get(port, '/readyz')).toMatchObject({ status: 200 });
}

async function expectEnd(there: World): Promise<void> {
  const ms = await there.ownMs(async () => expect(await there.daemon.stop()).toBe(0));
  expect(ms).toBeLessThan(9_000);
}

const enqueueHung = (there: World) =>
  there.query(`WITH entry AS (INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'hung'))
    SELECT pg_notify('port_updated', '')`);
