import { expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { tellOutagesOnce } from '../../src/daemon/outage.ts';

const gone = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const failed = (loop: string, error: Error): Event => ({ kind: 'loop-failed', loop, error, retryMs: 1 });
const listening: Event = { kind: 'listening', channels: [] };

function tell(...events: Event[]): string[] {
  const told: string[] = [];
  let now = 0;
  const observe = tellOutagesOnce(
    (event) => told.push(event.kind),
    () => ++now,
  );
  for (const event of events) observe(event);
  return told;
}

it('tells an outage once and its end once, whoever suffers from it', () => {
  expect(
    tell(
      listening,
      { kind: 'listener-lost', error: gone },
      failed('a', gone),
      failed('b', new Error('Cannot claim', { cause: gone })),
      { kind: 'connecting', error: gone, retryMs: 1 },
      { kind: 'loop-recovered', loop: 'a' },
      listening,
      { kind: 'loop-recovered', loop: 'b' },
    ),
  ).toEqual(['listening', 'listener-lost', 'listening', 'recovered']);
});

it('tells it as an outage when a loop meets it first, and again the next time', () => {
  const works = (loop: string): Event => ({ kind: 'loop-recovered', loop });
  expect(
    tell(failed('a', gone), failed('b', gone), listening, works('a'), works('b'), failed('a', gone)),
  ).toEqual(['connecting', 'listening', 'recovered', 'connecting']);
});

it('tells every other failure, and its end', () => {
  const missing = Object.assign(new Error('no such table'), { code: '42P01' });
  expect(tell(failed('a', missing), failed('b', missing), { kind: 'loop-recovered', loop: 'a' })).toEqual([
    'loop-failed',
    'loop-failed',
    'loop-recovered',
  ]);
});

it('takes no file for the database, whatever its code', () => {
  const file = Object.assign(new Error('ELOOP: open'), { code: 'ELOOP', syscall: 'open' });
  const socket = Object.assign(new Error('connect ENOENT'), { code: 'ENOENT', syscall: 'connect' });
  const resolver = Object.assign(new Error('getaddrinfo'), { code: 'EAI_AGAIN', syscall: 'getaddrinfo' });
  const marker = new Error('Cannot keep the marker', { cause: file });
  expect(tell(failed('machine', marker), failed('a', socket))).toEqual(['loop-failed', 'connecting']);
  expect(tell(failed('a', resolver))).toEqual(['connecting']);
});
