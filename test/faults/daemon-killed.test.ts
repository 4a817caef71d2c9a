import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { within } from '../postgres/within.ts';
import { freshportsHandlers } from '../site.ts';
import { eventually } from './eventually.ts';
import { inWorld } from './in-world.ts';
import { expectWhole } from './whole.ts';

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
      held = await within(60_000, 'see the command begin', () => open(pipe, 'w'));
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
    const page = await world.enqueue();
    await world.daemon.until('clearing', ({ event }) => event === 'cleared');
    await world.kill();
    // A writer that read the data before the change publishes after the first clearing.
    world.site.write([page]);
    expect(await world.query('SELECT FROM uncached.journal')).toHaveLength(1);
    await world.start();
    await world.gone(page);
    await expectWhole(world);
  }));

it.concurrent('finds a claim that is committed after its client was killed and its successor has read the journal', () =>
  inWorld({}, async (world) => {
    await world.start();
    const caught = world.proxy.at('claim', 'request');
    const page = await world.enqueue();
    const orphan = await caught;
    await world.kill();
    // The successor must not claim the entry first.
    const successor = world.proxy.at('claim', 'request');
    world.spawn();
    const second = await successor;
    await world.daemon.until('LISTEN', ({ event }) => event === 'listening');
    orphan.thaw();
    await eventually(
      'claimed by the dead',
      async () => ((await world.query('SELECT FROM uncached.journal')).length > 0 ? true : undefined),
      async () => 'the journal is empty',
    );
    second.thaw();
    await world.gone(page);
    await expectWhole(world);
  }));
