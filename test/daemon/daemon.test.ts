import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { channelsChanged, logGrown, retryAsked } from '../../src/core/contracts.ts';
import { usualTimings } from '../../src/core/timings.ts';
import type { Daemon } from '../../src/daemon/daemon.ts';
import { channels, DaemonWorld, pollMs, sweepMs } from './daemon-world.ts';

let world: DaemonWorld;
let daemon: Daemon;

beforeEach(async () => {
  world = new DaemonWorld();
  daemon = world.start();
  await started();
});

afterEach(() => daemon.stop({ leaving: false }));

/** Everything has run that runs at a start. */
async function started(): Promise<void> {
  await world.until('read channels', 'claim', 'record news', 'clear news again', 'trim', 'report', 'due');
  world.happened = [];
}

const { consumerSeenMs } = usualTimings;

it('clears and settles what a notification announces', async () => {
  world.entries = ['p1'];
  world.notify('changed');
  await world.until('clear p1 news', 'clear p1 news again');
});

it('keeps a row that fails for a retry, and clears it when that is due', async () => {
  world.cache.refused = ['p1'];
  world.entries = ['p1'];
  world.notify('changed');
  await world.until('fail 2', 'due');
  world.cache.refused = [];
  world.log.now += 1_000;
  world.notify(retryAsked);
  await world.until('settle later 2 in 1', 'clear p1 news again', 'remove 2');
});

it('clears what another daemon says that it has appended', async () => {
  world.log.append('page', 'p1');
  world.notify(logGrown);
  await world.until('clear p1 news');
});

it('clears what was appended after it had read the log, and before it listened', async () => {
  await daemon.stop({ leaving: false });
  world = new DaemonWorld();
  // A claim would find the gap before its own rows.
  world.channels = channels.slice(0, 1);
  let listens = () => {};
  world.onListen = () =>
    new Promise<void>((resolve) => {
      listens = resolve;
    });
  daemon = world.start();
  await world.until('read 0 to the end');
  world.log.append('page', 'p1');
  listens();
  await world.until('clear p1 news');
});

it('writes no cursor once it has lost its session, and joins again when it listens', async () => {
  world.log.open.virtual = ['3/1'];
  world.onListen = async () => {
    world.happened.push('listen');
    // What settled since may have been undone.
    await world.consumers.flush();
  };
  world.entries = ['p1'];
  world.notify('changed');
  await world.until('clear p1 news');
  world.happened = [];
  world.lose(new Error('cut'));
  await world.until('listen', 'rejoin');
  expect(world.happened.filter((event) => event.startsWith('advance'))).toEqual([]);
  expect(world.happened.indexOf('listen')).toBeLessThan(world.happened.indexOf('rejoin'));
});

it('catches up after each LISTEN with what was committed while nobody listened', async () => {
  world.entries = ['p1'];
  world.lose(new Error('cut'));
  await world.until('clear p1 news again');
});

it('looks at each sweep for entries, at the log, at retries and listen_for, and trims the log', async () => {
  world.log.append('news', '');
  world.pass(sweepMs);
  // A gap before the claimed rows is not the reason.
  await world.until('claim', 'clear news', 'due', 'read channels', 'trim');
  world.entries = ['p1'];
  world.pass(sweepMs);
  await world.until('clear p1 news');
  // The sweep does not clear a handler that only a notification wakes.
  expect(world.happened).not.toContain('record news');
});

it('lets those expire first that it has not heard of for too long, and no others', async () => {
  world.seen = [{ id: 'away', seenAt: '1' }];
  world.pass(sweepMs);
  await world.until('expire ', 'trim');
  world.happened = [];
  world.log.now += 5_000;
  world.seen.push({ id: 'here', seenAt: '2' });
  world.pass(sweepMs);
  await world.until('expire away', 'trim');
  expect(world.happened.indexOf('expire away')).toBeLessThan(world.happened.indexOf('trim'));
});

it('lets nobody expire for what it was away itself', async () => {
  world.seen = [{ id: 'away', seenAt: '1' }];
  world.pass(sweepMs);
  await world.until('trim');
  world.lose(new Error('cut'));
  await world.until('rejoin');
  world.happened = [];
  world.log.now += 5_000;
  world.pass(sweepMs);
  await world.until('trim');
  expect(world.happened).toContain('expire ');
});

it('reads the log after a claim whose answer it has not seen', async () => {
  world.claimFails = true;
  world.log.append('page', 'p1');
  world.notify('changed');
  await world.until('claim', 'clear p1 news');
});

it('does what is asked for on its own channels', async () => {
  world.notify(retryAsked);
  await world.until('due');
  world.channels = [];
  world.notify(channelsChanged);
  await world.until('read channels', 'channels changed');
});

it('polls where it does not listen: for entries and for the log', async () => {
  await daemon.stop({ leaving: false });
  world = new DaemonWorld();
  world.listens = false;
  daemon = world.start();
  await started();
  world.entries = ['p1'];
  world.log.append('news', '');
  world.pass(pollMs);
  await world.until('clear p1 news', 'clear news');
});

it('claims and catches up when it becomes the first, since nobody may have', async () => {
  world.entries = ['p1'];
  world.becameFirst = true;
  world.log.now += 60_000;
  world.pass(consumerSeenMs);
  await world.until('report', 'clear p1 news', 'record news');
});

it('reports as soon as it listens: from then on it may be the first', async () => {
  world.lose(new Error('cut'));
  await world.until('report');
});

it('checks root when it is asked to', async () => {
  world.rootWakeup.wake();
  await world.until('look at root');
});

it('can be stopped twice, and leaves its root and gives up its consumers once, when nothing is under way', async () => {
  world.log.open.virtual = ['3/1'];
  world.entries = ['p1'];
  world.cache.held = 'p1';
  world.notify('changed');
  await world.until('claim');
  const stops = Promise.all([daemon.stop({ leaving: false }), daemon.stop({ leaving: true })]);
  world.cache.release();
  await stops;
  await daemon.stop({ leaving: true });
  const { happened } = world;
  expect(happened.filter((event) => event === 'leave root')).toHaveLength(1);
  const last = ['clear p1 news', 'advance to 1, 2', 'leave root', 'release'];
  expect(happened.filter((event) => last.includes(event))).toEqual(last);
});

it('keeps its consumers where it goes on with another configuration', async () => {
  await daemon.stop({ leaving: false });
  expect(world.happened).not.toContain('release');
});

it('does not say that root works again when only its guard does, since the database is back', async () => {
  const told = (...all: string[]) => vi.waitFor(() => expect(world.loops).toEqual(all), { timeout: 30_000 });
  world.rootFails = new Error('no database');
  world.rootWakeup.wake();
  await told('loop-failed root');
  world.happened = [];
  world.rootProblem = new Error('is not mounted');
  world.retry();
  await world.until('look at root');
  world.rootProblem = undefined;
  world.rootFails = new Error('no database');
  world.rootWakeup.wake();
  await told('loop-failed root', 'loop-failed root');
  world.retry();
  await told('loop-failed root', 'loop-failed root', 'loop-recovered root');
});
