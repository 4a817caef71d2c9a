import { expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { foldOutages } from '../../src/observe/fold-outages.ts';

const gone = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const failed = (loop: string, error: Error): Event => ({ kind: 'loop-failed', loop, error, retryMs: 1 });
const listening: Event = { kind: 'listening', channels: [] };

function tell(...events: Event[]): string[] {
  const told: string[] = [];
  let now = 0;
  const observe = foldOutages(
    (event) => told.push(event.kind),
    () => ++now,
  );
  for (const event of events) observe(event);
  return told;
}

it('reports an outage once and its end once, whichever parts it affects', () => {
  expect(
    tell(
      listening,
      { kind: 'listener-lost', error: gone },
      failed('a', gone),
      failed('b', new Error('Cannot claim', { cause: gone })),
      { kind: 'database-unavailable', error: gone, retryMs: 1 },
      { kind: 'loop-recovered', loop: 'a' },
      listening,
      { kind: 'loop-recovered', loop: 'b' },
    ),
  ).toEqual(['listening', 'database-unavailable', 'listening', 'database-recovered']);
});

it('says how long an outage took, of each its own time', () => {
  let now = 0;
  const durations: number[] = [];
  const observe = foldOutages(
    (event) => event.kind === 'database-recovered' && durations.push(event.ms),
    () => now,
  );
  for (const [began, ended] of [
    [1_000, 4_000],
    [10_000, 12_000],
  ] as const) {
    now = began;
    observe(failed('a', gone));
    now += 500;
    // It began with the first of them.
    observe(failed('b', gone));
    observe({ kind: 'loop-recovered', loop: 'a' });
    now = ended;
    observe({ kind: 'loop-recovered', loop: 'b' });
  }
  expect(durations).toEqual([3_000, 2_000]);
});

it('reports a lost connection by the reason why the next one fails, or as lost when that works', () => {
  const lost: Event = { kind: 'listener-lost', error: new Error('closed') };
  const refused: Event = { kind: 'database-unavailable', error: gone, retryMs: 1 };
  expect(tell(lost, refused, listening)).toEqual(['database-unavailable', 'database-recovered', 'listening']);
  expect(tell(lost, listening)).toEqual(['listener-lost', 'database-recovered', 'listening']);
  expect(tell(failed('a', gone), lost, refused, listening)).toEqual(['database-unavailable', 'listening']);
});

it('reports a broken connection of any loop by the reason why the next one fails, once for each loop, or as broken when that works', () => {
  const broken = (message: string, code?: string) =>
    new Error('Cannot read', { cause: Object.assign(new Error(message), { code }) });
  for (const error of [
    broken('write EPIPE', 'EPIPE'),
    broken('Connection terminated unexpectedly'),
    broken('terminating connection due to administrator command', '57P01'),
  ]) {
    const errors: Error[] = [];
    const observe = foldOutages(
      (event) => 'error' in event && event.error instanceof Error && errors.push(event.error),
      () => 0,
    );
    for (const event of [failed('a', error), failed('b', error), failed('a', gone), failed('b', gone)])
      observe(event);
    expect(errors).toEqual([gone]);
    const recovered: Event = { kind: 'loop-recovered', loop: 'a' };
    expect(tell(failed('a', error), recovered)).toEqual(['database-unavailable', 'database-recovered']);
    expect(tell(failed('a', error), failed('a', error))).toEqual(['database-unavailable']);
    expect(tell(failed('a', gone), failed('b', error))).toEqual(['database-unavailable']);
  }
});

it('reports again when it becomes a refusal, which needs repair, and not while it stays one', () => {
  const refused: Event = { kind: 'database-unavailable', error: gone, retryMs: 1 };
  const standby = Object.assign(new Error('a standby'), { code: '25006' });
  const still: Event = { kind: 'retrying', error: standby, retryMs: 1 };
  expect(tell(refused, { ...refused, kind: 'retrying' }, still, still)).toEqual([
    'database-unavailable',
    'retrying',
    'database-unavailable',
    'retrying',
  ]);
});

it('reports a refusal that the listener meets first while another loop is in an outage', () => {
  const standby = Object.assign(new Error('a standby'), { code: '25006' });
  const met: Event = { kind: 'database-unavailable', error: standby, retryMs: 1 };
  expect(tell(failed('a', gone), met, { ...met, kind: 'retrying' })).toEqual([
    'database-unavailable',
    'database-unavailable',
    'retrying',
  ]);
});

it('reports why the listener fails once the outage of the other loops is over', () => {
  const unheard = new Error('a test notification did not arrive');
  const errors: unknown[] = [];
  const observe = foldOutages(
    (event) => event.kind === 'database-unavailable' && errors.push(event.error),
    () => 0,
  );
  observe(failed('a', gone));
  observe({ kind: 'database-unavailable', error: gone, retryMs: 1 });
  observe({ kind: 'retrying', error: unheard, retryMs: 1 });
  expect(errors).toEqual([gone]);
  observe({ kind: 'loop-recovered', loop: 'a' });
  observe({ kind: 'retrying', error: unheard, retryMs: 1 });
  expect(errors).toEqual([gone, unheard]);
  observe({ kind: 'retrying', error: unheard, retryMs: 1 });
  expect(errors).toEqual([gone, unheard]);
});

it('reports no second outage where the listener only waits longer than other loops for its next attempt', () => {
  const met: Event = { kind: 'database-unavailable', error: new Error('no primary'), retryMs: 1 };
  expect(tell(failed('a', gone), met, { kind: 'loop-recovered', loop: 'a' }, listening)).toEqual([
    'database-unavailable',
    'database-recovered',
    'listening',
  ]);
});

it('reports a failure at a stop as one, unless the outage has been reported', () => {
  const atStop: Event = { kind: 'loop-failed', loop: 'b', error: gone, retryMs: null };
  expect(tell(atStop, failed('a', gone), atStop)).toEqual(['loop-failed', 'database-unavailable']);
});

it('reports it as an outage when a loop meets it first, and again the next time', () => {
  const works = (loop: string): Event => ({ kind: 'loop-recovered', loop });
  expect(
    tell(failed('a', gone), failed('b', gone), listening, works('a'), works('b'), failed('a', gone)),
  ).toEqual(['database-unavailable', 'listening', 'database-recovered', 'database-unavailable']);
});

it('reports every other failure, and its end', () => {
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
  expect(tell(failed('machine', marker), failed('a', socket))).toEqual([
    'loop-failed',
    'database-unavailable',
  ]);
  expect(tell(failed('a', resolver))).toEqual(['database-unavailable']);
});

it('reports the end of a failure that an outage has interrupted', () => {
  const denied = Object.assign(new Error('permission denied'), { code: '42501' });
  expect(tell(failed('a', denied), failed('a', gone), { kind: 'loop-recovered', loop: 'a' })).toEqual([
    'loop-failed',
    'database-unavailable',
    'database-recovered',
    'loop-recovered',
  ]);
});
