import { afterAll, beforeAll, expect, it } from 'vitest';
import { type LaunchedServer, launchServer } from '../postgres/launch.ts';
import { makeTemplate } from '../postgres/template.ts';
import type { Blow } from './strike.ts';
import { strike } from './strike.ts';
import { expectDone, expectWhole } from './whole.ts';
import { World } from './world.ts';

let server: LaunchedServer;
let world: World;

beforeAll(async () => {
  server = await launchServer();
  await makeTemplate(server);
  world = await World.open(server);
  await world.start();
}, 300_000);
afterAll(async () => {
  await world?.close();
  await server?.stop();
});

/** Points where a crash of the server may undo what is not flushed, or where only the answer is lost. */
const blows: readonly Pick<Blow, 'phase' | 'edge'>[] = [
  { phase: 'claim', edge: 'request' },
  { phase: 'claim', edge: 'answer' },
  { phase: 'look', edge: 'answer' },
  { phase: 'second read', edge: 'answer' },
  { phase: 'journal delete', edge: 'request' },
  { phase: 'journal delete', edge: 'answer' },
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
