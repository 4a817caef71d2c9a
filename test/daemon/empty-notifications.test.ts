import { beforeEach, expect, it } from 'vitest';
import { usualTimings } from '../../src/core/timings.ts';
import { EmptyNotifications } from '../../src/daemon/empty-notifications.ts';

let now: number;
let forNothing: EmptyNotifications;
beforeEach(() => {
  now = 10_000;
  forNothing = new EmptyNotifications(() => now, usualTimings.claims);
});

function drained({ found }: { found: boolean }): boolean {
  forNothing.drainBegins();
  if (found) forNothing.claimed();
  return forNothing.wasEmpty({ found });
}

it('reports a notification of an empty queue once', () => {
  forNothing.notified();
  expect(drained({ found: false })).toBe(true);
  expect(drained({ found: false })).toBe(false);
});

it('reports nothing without a notification: a sweep, a catch-up', () => {
  expect(drained({ found: false })).toBe(false);
});

it('says nothing where there were entries, or where they had been claimed for the notification before', () => {
  forNothing.notified();
  expect(drained({ found: true })).toBe(false);
  now += 1_900;
  forNothing.notified();
  expect(drained({ found: false })).toBe(false);
  now += 101;
  forNothing.notified();
  expect(drained({ found: false })).toBe(true);
});

it('goes by when the notification came, however long the claim before it took', () => {
  forNothing.drainBegins();
  forNothing.notified();
  now += 60_000;
  forNothing.claimed();
  expect(forNothing.wasEmpty({ found: true })).toBe(false);
  expect(drained({ found: false })).toBe(false);
});

it('leaves what is notified during a drain to the next one', () => {
  forNothing.drainBegins();
  forNothing.notified();
  expect(forNothing.wasEmpty({ found: false })).toBe(false);
  expect(drained({ found: false })).toBe(true);
});

it('remembers the notification over a drain that failed', () => {
  forNothing.notified();
  forNothing.drainBegins();
  expect(drained({ found: false })).toBe(true);
});
