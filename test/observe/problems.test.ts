import { beforeEach, expect, it } from 'vitest';
import { TargetDownError } from '../../src/core/errors.ts';
import type { Event } from '../../src/core/events.ts';
import { foldOutages } from '../../src/observe/fold-outages.ts';
import { Problems } from '../../src/observe/problems.ts';

const longMs = 60_000;
const outage = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
const denied = Object.assign(new Error('permission denied'), { code: '42501' });

let now: number;
let known: Problems;
beforeEach(() => {
  now = 0;
  known = new Problems(() => now);
  known.observe({ kind: 'heartbeat', ms: 1 });
});

const list = () => known.list(longMs).map(({ level, kind, text }) => `${level} ${kind}: ${text}`);
const failed = (loop: string, error: Error): Event => ({ kind: 'loop-failed', loop, error, retryMs: 1 });
const tried = (cleared: number[], failing: number[], consumer = 'files'): Event => ({
  kind: 'batch-done',
  handler: 'h',
  consumer,
  cleared,
  files: 0,
  failures: failing.map((id) => ({ id, error: 'read-only' })),
  invalid: [],
});

it('is not ok before it has received its own heartbeat', () => {
  const starting = new Problems(() => now);
  expect(starting.listening).toBe(false);
  expect(starting.list(longMs)).toMatchObject([{ level: 'warning', kind: 'listening' }]);
  now = longMs;
  expect(starting.list(longMs)).toMatchObject([{ level: 'critical' }]);
});

it('an outage of the database is critical at once, with the reason of now', () => {
  known.observe({ kind: 'listener-lost', error: Object.assign(new Error('shut down'), { code: '57P01' }) });
  expect(list()).toEqual(['critical database: not listening: shut down']);
  known.observe({ kind: 'retrying', error: outage, retryMs: 1 });
  expect(list()).toEqual(['critical database: not listening: refused']);
  expect(known.listening).toBe(false);
  known.observe({ kind: 'heartbeat', ms: 1 });
  expect(list()).toEqual([]);
});

it('deafness is a warning, since the sweep finds what comes, and critical when it lasts', () => {
  known.observe({ kind: 'listener-lost', error: new Error('not heard') });
  now = longMs - 1;
  known.observe({ kind: 'retrying', error: new Error('not heard'), retryMs: 1 });
  expect(list()).toEqual(['warning listening: not listening: not heard']);
  now = longMs;
  expect(list()).toEqual(['critical listening: not listening: not heard']);
});

it('what fails because it is stopped is no problem of what takes its place', () => {
  known.notice(failed('h', denied));
  known.notice({ kind: 'loop-failed', loop: 'h', error: denied, retryMs: null });
  expect(list()).toEqual([]);
});

it('a handler that cannot work is critical at once, until it can', () => {
  known.notice(failed('h', denied));
  known.notice(failed('other', denied));
  expect(known.list(longMs)).toEqual([
    { level: 'critical', kind: 'handler', handler: 'h', text: 'h: permission denied' },
    { level: 'critical', kind: 'handler', handler: 'other', text: 'other: permission denied' },
  ]);
  known.notice({ kind: 'loop-recovered', loop: 'h' });
  known.notice({ kind: 'loop-recovered', loop: 'other' });
  expect(list()).toEqual([]);
});

it('an outage is reported for all and not for each handler', () => {
  known.notice(failed('h', denied));
  known.notice(failed('h', outage));
  expect(list()).toEqual([]);
});

it('a root that waits is critical at once', () => {
  known.notice(failed('root', new Error('not mounted')));
  expect(list()).toEqual(['critical root: not mounted']);
});

it.each(['files, log', 'files, failing', 'files, settling', 'command news, settling', 'trim', 'consumers'])(
  'what concerns the log, such as the loop "%s", is a warning at first and critical later',
  (loop) => {
    known.notice(failed(loop, denied));
    expect(known.list(longMs)).toEqual([
      { level: 'warning', kind: 'log', text: `${loop}: permission denied` },
    ]);
    now = longMs;
    expect(list()[0]).toMatch(/^critical/);
    known.notice({ kind: 'loop-recovered', loop });
    expect(list()).toEqual([]);
  },
);

it('a handler of which nothing can be cleared is critical; one entry that fails again and again is not', () => {
  known.notice(tried([], [1]));
  known.notice(tried([], [1]));
  expect(list()).toEqual([]);
  known.notice(tried([2], [3]));
  expect(list()).toEqual([]);
  known.notice(tried([], [1]));
  known.notice(tried([], [3]));
  expect(list()).toEqual(['critical failing: h: nothing can be cleared: read-only']);
  known.notice(tried([4], [1]));
  expect(list()).toEqual([]);
});

it('a command that always fails is critical although the files of its handler are deleted', () => {
  known.notice(tried([1], []));
  known.notice(tried([], [1], 'command h'));
  known.notice(tried([2], []));
  known.notice(tried([], [2], 'command h'));
  expect(list()).toEqual(['critical failing: h: nothing can be cleared: read-only']);
  known.notice(tried([3], []));
  expect(list()).toHaveLength(1);
  known.notice(tried([3], [], 'command h'));
  expect(list()).toEqual([]);
});

it('keeps the reload that was refused until SIGHUP is obeyed, and nothing else over a reload', () => {
  known.observe({ kind: 'reload-refused', problems: ['bad'], retryMs: null });
  known.observe({ kind: 'not-serving', error: new Error('taken'), retryMs: 1 });
  known.observe({ kind: 'wipe-failed', error: 'a: EROFS', paths: 1 });
  known.observe({ kind: 'handler-without-channel', handler: 'h' });
  known.observe({ kind: 'unusable-channel', problem: 'empty' });
  known.notice(failed('h', denied));
  expect(known.list(longMs)).toHaveLength(6);
  known.observe({ kind: 'reloading', why: 'listen_for has changed' });
  known.observe({ kind: 'heartbeat', ms: 1 });
  expect(known.list(longMs).map(({ kind }) => kind)).toEqual(['configuration']);
  known.observe({ kind: 'reloading', why: 'SIGHUP' });
  known.observe({ kind: 'heartbeat', ms: 1 });
  expect(list()).toEqual([]);
});

it('a channel of an unknown handler is critical when it is notified, for an hour', () => {
  known.observe({ kind: 'unknown-handler', channel: 'c', handler: 'artciles', known: ['articles'] });
  expect(list()).toEqual([]);
  known.observe({ kind: 'notified', channel: 'other' });
  known.observe({ kind: 'notified', channel: 'c' });
  expect(list()).toEqual([
    'critical channel: a notification came on c and nothing was cleared: its handler "artciles" is not configured, did you mean "articles"?',
  ]);
  now = 3_000_000;
  known.observe({ kind: 'notified', channel: 'c' });
  now = 6_599_999;
  expect(list()).toHaveLength(1);
  now = 6_600_000;
  expect(list()).toEqual([]);
});

it('an invalid key is a warning until it has settled, and an hour at the most', () => {
  const invalid = { kind: 'rows-invalid', handler: 'h', rows: 1, errors: ['column c is NULL'] } as const;
  const settled = { ...tried([], []), invalid: [{ id: 1, error: 'column c is NULL', known: true }] } as Event;
  known.observe(invalid);
  expect(list()).toEqual(['warning invalid: h: 1 row with an invalid key: column c is NULL']);
  known.notice(settled);
  expect(list()).toEqual([]);
  known.observe(invalid);
  now = 3_600_000;
  expect(list()).toEqual([]);
});

it('a target that is down is critical after a minute, until it answers, and its loops are no other problem', () => {
  const down = (text: string): Event => ({ kind: 'target-down', target: 'varnish', text });
  known.notice(down('it is down: refused'));
  known.notice(failed('purge varnish, log', new TargetDownError('it is down')));
  expect(list()).toEqual(['warning consumer: it is down: refused']);
  now = longMs;
  known.notice(down('it is down: answers 405'));
  expect(list()).toEqual(['critical consumer: it is down: answers 405']);
  // The log reports it later, when its rows are counted.
  known.observe({ kind: 'target-up', target: 'varnish', called: 'it', ms: 1 });
  expect(list()).toHaveLength(1);
  known.notice({ kind: 'target-up', target: 'varnish', called: 'it', ms: 1 });
  expect(list()).toEqual([]);
});

it('ends what is told of the page, and of a part of the cache, when that is over', () => {
  known.observe({ kind: 'not-serving', error: new Error('taken'), retryMs: 1 });
  known.observe({ kind: 'wipe-failed', error: 'a: EROFS', paths: 1 });
  expect(known.list(longMs).map(({ kind }) => kind)).toEqual(['http', 'root']);
  known.observe({ kind: 'serving', url: '' });
  known.observe({ kind: 'wipe-completed' });
  expect(list()).toEqual([]);
});

it('listens again as soon as a connection that was cut has been replaced', () => {
  const report = foldOutages(
    (event) => known.observe(event),
    () => now,
  );
  report({ kind: 'listener-lost', error: new Error('closed') });
  expect(list()).toEqual([]);
  // A heartbeat proves the new connection before it is reported.
  report({ kind: 'heartbeat', ms: 1 });
  report({ kind: 'listening', channels: [] });
  expect(list()).toEqual([]);
  expect(known.listening).toBe(true);
});
