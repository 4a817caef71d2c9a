import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, inject, it, vi } from 'vitest';
import { ordinaryAccount } from '../postgres/account.ts';
import { eventually } from './eventually.ts';
import { canMount, enterNamespace, inNamespace } from './namespace.ts';
import { expectWhole } from './whole.ts';
import { World } from './world.ts';

/** Root may delete anything. When we are root, the daemon therefore runs as another user. */
const account = ordinaryAccount();
const mounts = canMount();
const count = 2_000;
/** The delays of retries grow, so the last one may be late on a slow machine. */
const patienceMs = 150_000;

/** No heartbeat comes in time. On a busy machine one may be late, which would be another error in the log. */
const heartbeat = '60s';
vi.setConfig({ testTimeout: 3 * patienceMs });

let world: World;
beforeEach(() => {
  // The daemon must be able to write in the directories that this process makes.
  process.umask(0);
});
afterEach(() => world.close());

it('keeps what it may not delete (EACCES) as failing, clears the rest, and recovers', async () => {
  await openForAccount();
  await world.start();
  const directory = join(world.site.root, 'ports/www/forbidden');
  mkdirSync(directory);
  writeFileSync(join(directory, 'Detail.html'), 'page');
  chmodSync(directory, 0o555);
  const page = await world.enqueue('forbidden');
  const alarm = await world.daemon.until('alarm', ({ event }) => event === 'disk-failing');
  expect(alarm.msg).toContain('cannot delete ports/www/forbidden/Detail.html: EACCES');
  await world.probe();
  expect(existsSync(join(world.site.root, page))).toBe(true);
  const [row] = await world.query<{ last_error: string }>('SELECT last_error FROM uncached.failing');
  expect(row?.last_error).toContain('EACCES');

  chmodSync(directory, 0o777);
  await world.gone(page);
  await expectWhole(world);
});

it(`reports ${count} unwritable directories once, and once that they are writable`, async () => {
  await openForAccount();
  await world.start();
  publish();
  const www = join(world.site.root, 'ports/www');
  const chmodAll = (mode: number) => {
    for (const name of readdirSync(www)) chmodSync(join(www, name), mode);
  };
  chmodAll(0o555);
  await enqueueAll();
  await expectAlarm('EACCES');
  chmodAll(0o777);
  await expectEnd('EACCES');
});

it.skipIf(!mounts)(
  `tells a read-only disk once for itself and ${count} entries, and once its end`,
  async () => {
    world = await World.open(inject('postgres'), {
      heartbeat,
      ini: { more: 'batch = 100' },
      within: (root) => inNamespace('mount --bind "$1" "$1" && mount -o remount,ro,bind "$1"', root),
    });
    await world.start();
    await world.daemon.until('alarm', ({ event }) => event === 'disk-failing');
    publish();
    await enqueueAll();
    await expectAlarm('EROFS');
    enterNamespace(world.daemon.pid, 'mount', '-o', 'remount,rw,bind', world.site.root);
    await expectEnd('EROFS');
  },
);

async function openForAccount(): Promise<void> {
  world = await World.open(inject('postgres'), {
    ...(account && { account }),
    tcp: true,
    heartbeat,
    ini: { more: 'batch = 100' },
  });
  chmodSync(dirname(world.site.root), 0o755);
}

function publish(): void {
  world.site.write(Array.from({ length: count }, (_, n) => `ports/www/refused-${n}/Detail.html`));
}

const enqueueAll = () =>
  world.query(
    `WITH entries AS (INSERT INTO cache_clearing_ports (category, port)
       SELECT 'www', 'refused-' || n FROM generate_series(0, ${count - 1}) AS n)
     SELECT pg_notify('port_updated', '')`,
  );

const errors = () => world.daemon.log.filter(({ level }) => level >= 50);

/** Every row has failed at least twice, and one line reported it. */
async function expectAlarm(code: string): Promise<void> {
  const failing = async () => {
    const [row] = await world.query<{ rows: number; tries: number; others: number }>(
      `SELECT count(*)::int AS rows, coalesce(min(attempts), 0) AS tries,
              count(*) FILTER (WHERE last_error NOT LIKE '%${code}%')::int AS others FROM uncached.failing`,
    );
    return row;
  };
  await eventually(
    `${count} rows that failed twice`,
    async () => {
      const row = await failing();
      return row?.rows === count && row.tries >= 2 && row.others === 0 ? true : undefined;
    },
    async () => JSON.stringify(await failing()),
    patienceMs,
  );
  expect(errors().map(({ event, code }) => [event, code])).toEqual([['disk-failing', code]]);
}

async function expectEnd(code: string): Promise<void> {
  const end = await world.daemon.until('end', ({ event }) => event === 'disk-recovered', patienceMs);
  expect(end).toMatchObject({ code, level: 30, rows: count });
  await expectWhole(world);
  expect(errors().map(({ event, msg }) => [event, msg])).toEqual([['disk-failing', expect.anything()]]);
  expect(world.daemon.log.filter(({ event }) => event === 'disk-recovered')).toHaveLength(1);
}
