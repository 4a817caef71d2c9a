import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { withClient } from '../postgres/connection.ts';
import { unsettled } from '../postgres/unsettled.ts';
import { within } from '../postgres/within.ts';
import { freshportsHandlers } from '../site.ts';
import { eventually } from './eventually.ts';
import { inWorld } from './in-world.ts';
import { phases } from './phases.ts';
import { expectWhole } from './whole.ts';

vi.setConfig({ testTimeout: 300_000 });

it.concurrent('survives kill -9 during a clearing: the files are gone, its command has not ended', async () => {
  // Opening a pipe for writing blocks until it has a reader, which is when the command has started.
  const place = '/dev/shm';
  const pipe = join(place, `uncached-pipe-${process.pid}`);
  execFileSync('mkfifo', [pipe]);
  let held: FileHandle | undefined;
  try {
    const handlers = freshportsHandlers.replace('[handler.news]', `[handler.news]\nrun = cat ${pipe}`);
    await inWorld({ ini: { handlers } }, async (world) => {
      await world.start();
      const page = await world.enqueue();
      held = await within(100_000, 'see the command begin', () => open(pipe, 'w'));
      await world.gone(page);
      await world.kill();
      rmSync(pipe);
      writeFileSync(pipe, '');
      await world.start();
      await expectWhole(world);
    });
  } finally {
    await held?.close();
    rmSync(pipe, { force: true });
  }
});

it.concurrent('survives kill -9 between clearing and settling, and clears a second time what was published in between', () =>
  inWorld({ ini: { settle: '1s' } }, async (world) => {
    await world.start();
    const page = await withClient(world.database.config, async (client) => {
      // Nothing settles while a transaction is open.
      await client.query('BEGIN');
      const enqueued = await world.enqueue();
      await world.daemon.until('clearing', ({ event }) => event === 'cleared');
      await world.kill();
      return enqueued;
    });
    // A writer that read the data before the change publishes after the first clearing.
    world.site.write([page]);
    expect(await world.query(`SELECT FROM ${unsettled}`)).toHaveLength(1);
    await world.start();
    await world.gone(page);
    await expectWhole(world);
  }));

it.concurrent('finds a claim that is committed after its client was killed and its successor has read the log', () =>
  inWorld({}, async (world) => {
    await world.start();
    const caught = world.proxy.at('claim', 'request');
    // All other claims are held back: neither the successor nor a second attempt may take the entry.
    void world.proxy.hold(phases.claim);
    await world.query('NOTIFY port_updated');
    const orphan = await caught;
    const page = await world.enqueue();
    const owner = async () =>
      (await world.query<{ owner: string }>('SELECT owner FROM uncached.consumer'))[0]?.owner;
    const dead = await owner();
    await world.kill();
    await world.start();
    // As long as the server does not know that the dead one is gone, its successor waits for it to be silent.
    await eventually(
      'taken over',
      async () => ((await owner()) === dead ? undefined : true),
      async () => world.lastWords(),
    );
    orphan.thaw();
    // Only the claim of the dead can have led to this.
    await world.gone(page);
    await world.proxy.heal();
    await expectWhole(world);
  }));
