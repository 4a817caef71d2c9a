import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { type LaunchedServer, launchServer } from '../postgres/launch.ts';
import { makeTemplate } from '../postgres/template.ts';
import { unsettled } from '../postgres/unsettled.ts';
import { eventually } from './eventually.ts';
import type { Blow } from './strike.ts';
import { strike } from './strike.ts';
import { expectDone, expectWhole } from './whole.ts';
import { World } from './world.ts';

let server: LaunchedServer;
let world: World;

/** What the daemon commits, which waits for no disk, is lost by a crash for as long as this. */
const settings = { wal_writer_delay: '10s' };

beforeAll(async () => {
  server = await launchServer({ settings });
  await makeTemplate(server);
}, 300_000);
afterAll(() => server?.stop());
beforeEach(async () => {
  world = await World.open(server, { command: true });
  await world.start();
});
afterEach(() => world?.close());

/** Points where a crash of the server may undo unflushed changes, or lose only the answer. */
const blows: readonly Pick<Blow, 'phase' | 'edge'>[] = [
  { phase: 'claim', edge: 'request' },
  { phase: 'claim', edge: 'answer' },
  { phase: 'look', edge: 'answer' },
  { phase: 'second read', edge: 'answer' },
  { phase: 'advance', edge: 'request' },
  { phase: 'advance', edge: 'answer' },
  { phase: 'fail', edge: 'answer' },
  { phase: 'remove', edge: 'answer' },
  { phase: 'join', edge: 'answer' },
  { phase: 'read', edge: 'answer' },
  { phase: 'LISTEN', edge: 'answer' },
];

it('survives kill -9 and restart of PostgreSQL at each phase, and recovers within 15 s', {
  timeout: 600_000,
}, async () => {
  for (const blow of blows) {
    const ms = await strike({ ...blow, fault: 'kill -9 of PostgreSQL' }, { world, server, lastsMs: 0 }, () =>
      world.ownMs(() => world.probe()),
    );
    expect(ms, `${blow.phase}, ${blow.edge}`).toBeLessThan(15_000);
    await expectDone(world);
  }
  await expectWhole(world);
});

it('clears again what a crash has undone after it was settled, although the ids are given out again', {
  timeout: 600_000,
}, async () => {
  await world.probe();
  await expectDone(world);
  let undone = 0;
  for (let n = 0; n < 20 && undone < 3; n++) {
    const page = await world.enqueue();
    await world.gone(page);
    await eventually(
      'settled',
      async () => (await world.query(`SELECT FROM ${unsettled}`)).length === 0 || undefined,
      async () => world.lastWords(),
    );
    const before = await claimedAt(page);
    await server.kill();
    world.site.write([page]);
    await server.restart();
    await world.probe();
    // The log may have been written to the disk in time.
    if ((await claimedAt(page)) !== before) undone += 1;
    else rmSync(join(world.site.root, page), { force: true });
    await world.gone(page);
    await expectDone(world);
  }
  expect(undone).toBe(3);
  await expectWhole(world);
});

it.each(['yes', 'no'])(
  'clears what gets the ids of rows that were cleared and undone, although no heartbeat comes: listen = %s',
  { timeout: 600_000 },
  async (listen) => {
    await world.close();
    // Nothing settles: a second clearing would see that its rows are younger than it knew.
    world = await World.open(server, {
      heartbeat: '1h',
      ini: { settle: '1h', more: `listen = ${listen}` },
    });
    await world.start();
    let undone = 0;
    for (let n = 0; n < 20 && undone < 2; n++) {
      const page = await world.enqueue();
      await world.gone(page);
      const before = await claimedAt(page);
      await server.kill();
      world.site.write([page]);
      await server.restart();
      await eventually(
        'claimed',
        async () => (await world.query('SELECT FROM cache_clearing_ports')).length === 0 || undefined,
        async () => world.lastWords(),
      );
      if ((await claimedAt(page)) !== before) undone += 1;
      else rmSync(join(world.site.root, page), { force: true });
      await world.gone(page);
    }
    expect(undone).toBe(2);
  },
);

/** When the entry of a page was claimed. If a crash undoes the claim, it is claimed again. */
async function claimedAt(page: string): Promise<string | undefined> {
  const port = page.split('/')[2];
  const rows = await world.query<{ at: string }>(
    `SELECT claimed_at::text AS at FROM uncached.log WHERE key->>'port' = $1 ORDER BY id DESC LIMIT 1`,
    [port],
  );
  return rows[0]?.at;
}
