import { beforeEach, expect, it } from 'vitest';
import { Members } from '../../src/clearing/members.ts';
import type { Joined } from '../../src/core/consumer-contract.ts';
import { FakeCache } from './fake-cache.ts';
import { LogWorld } from './log-world.ts';

let joined: (Joined | undefined)[];
let asked: boolean[];
let from: (number | undefined)[];
/** For each time that others are forgotten, whether those of root are. */
let forgotten: boolean[];
let members: Members;
let all: {
  consumer: ReturnType<LogWorld['follow']>;
  log: { join: (how: { wiping: boolean; from?: number }) => Promise<Joined | undefined> };
  section: string;
  inner: string[];
}[];

beforeEach(() => {
  joined = [];
  asked = [];
  from = [];
  forgotten = [];
  all = [];
  members = new Members(
    () => all,
    async ({ ofRoot }) => void forgotten.push(ofRoot),
  );
  add('files');
  add('nginx.pages', 'files');
});

function add(section: string, ...inner: string[]): void {
  const consumer = new LogWorld().follow(new FakeCache());
  consumer.leave();
  all.push({
    consumer,
    section,
    inner,
    log: {
      async join(how) {
        asked.push(how.wiping);
        from.push(how.from);
        return joined.shift();
      },
    },
  });
}

const live = (settledTo: number): Joined => ({ state: 'live', settledTo, clearedTo: settledTo });
const places = () => all.map(({ consumer }) => (consumer.isFollowing ? consumer.settledTo : undefined));
const settles = () => all.map(({ consumer }) => consumer.pending.settles);

it('has each begin at its own place, and knows them by the id of root', async () => {
  joined = [live(5), live(3)];
  expect(await members.join('a', { wiping: false })).toBe('live');
  expect(members.rootId).toBe('a');
  expect(places()).toEqual([5, 3]);
  expect(settles()).toEqual([false, false]);
  expect(forgotten).toEqual([true]);
});

it('has none begin when another daemon has one of them', async () => {
  joined = [live(5), undefined];
  expect(await members.join('a', { wiping: false })).toBe(undefined);
  expect(places()).toEqual([undefined, undefined]);
  expect(forgotten).toEqual([false]);
});

it.each(['new', 'expired', 'wiping'] as const)('has one that is %s wiped, and no other', async (state) => {
  joined = [{ ...live(5), state }, live(3)];
  expect(await members.join('a', { wiping: false })).toBe(state);
  expect(settles()).toEqual([true, false]);
  joined = [live(5), { ...live(3), state }];
  expect(await members.join('a', { wiping: false })).toBe('live');
  expect(settles()).toEqual([false, true]);
});

it('has what stands behind a cache of unknown content wiped, since it was filled from that', async () => {
  add('purge.cdn', 'nginx.pages', 'files');
  add('purge.other', 'files');
  joined = [live(5), { ...live(5), state: 'new' }, live(3), live(3)];
  await members.join('a', { wiping: false });
  expect(asked).toEqual([false, false, true, false]);
});

it('says of the page files alone that their content is unknown', async () => {
  joined = [live(5), live(3)];
  await members.join('a', { wiping: true });
  expect(asked).toEqual([true, false]);
});

it('says from where on its own daemon has claimed while they followed nothing', async () => {
  const claimed = [7, 8].map((id) => ({ id, handler: 'page', key: {} }));
  for (const { consumer } of all) for (const row of claimed) consumer.expect([row]);
  joined = [live(6), live(6), live(9), live(9)];
  await members.join('a', { wiping: false });
  expect(from).toEqual([7, 7]);
  await members.join('a', { wiping: false });
  expect(from).toEqual([7, 7, undefined, undefined]);
});

it('leaves with all of them', async () => {
  joined = [live(5), live(3)];
  await members.join('a', { wiping: false });
  members.leave();
  expect(places()).toEqual([undefined, undefined]);
});
