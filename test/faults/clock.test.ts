import { afterEach, inject, it } from 'vitest';
import { expectWhole } from './whole.ts';
import { World } from './world.ts';

let world: World;
afterEach(() => world.close());

it("settles although the server's clock is set back by an hour between claim and look", async () => {
  world = await World.open(inject('postgres'));
  // Equivalent to setting the clock back: the claim is an hour ahead of everything after it.
  await world.query(
    `ALTER TABLE uncached.log ALTER claimed_at SET DEFAULT clock_timestamp() + interval '1 hour'`,
  );
  await world.start();
  await world.gone(await world.enqueue());
  await expectWhole(world);
});
