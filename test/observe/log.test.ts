import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { forJournald, forPeople } from '../../src/observe/text.ts';
import { toLine } from '../../src/observe/wording.ts';

const error = new Error('no such thing');

/** One of each. */
const events: { readonly [K in Event['kind']]: Extract<Event, { kind: K }> } = {
  starting: { kind: 'starting', version: '1', file: '/etc/uncached.ini', pid: 1, root: '/cache' },
  connecting: { kind: 'connecting', error, retryMs: 1 },
  trying: { kind: 'trying', error, retryMs: 1 },
  'systemd-unheard': { kind: 'systemd-unheard', error },
  'gave-up': { kind: 'gave-up', error },
  listening: { kind: 'listening', channels: [{ channel: 'port_updated', handler: 'listen_port' }] },
  'unknown-handler': { kind: 'unknown-handler', channel: 'c', handler: 'h', known: [] },
  notice: { kind: 'notice', text: 'a quoted path' },
  'disabled-handler': { kind: 'disabled-handler', channel: 'c', handler: 'h', why: 'no' },
  'unheard-handler': { kind: 'unheard-handler', handler: 'h' },
  'listener-lost': { kind: 'listener-lost', error },
  recovered: { kind: 'recovered', ms: 1 },
  heartbeat: { kind: 'heartbeat', ms: 1 },
  notified: { kind: 'notified', channel: 'c' },
  revived: { kind: 'revived', files: 1 },
  unclean: { kind: 'unclean', error },
  restarting: { kind: 'restarting', rows: 1 },
  cleared: {
    kind: 'cleared',
    handler: 'listen_port',
    entries: 2,
    keys: 2,
    examples: [
      { category: 'www', port: 'nginx' },
      { category: null, port: 'a b' },
    ],
    files: 3,
    ms: 10.04,
    lagMs: null,
  },
  settled: { kind: 'settled', rows: 1, files: 1 },
  tried: { kind: 'tried', handler: 'h', cleared: [1], files: 1, failures: [] },
  'rows-failed': { kind: 'rows-failed', handler: 'h', rows: 1, errors: ['bad key', 'worse key'] },
  'disk-refuses': { kind: 'disk-refuses', code: 'EROFS', error: 'read-only', rows: 1 },
  'disk-works': { kind: 'disk-works', code: 'EROFS', ms: 1, rows: 1 },
  orphaned: { kind: 'orphaned', handler: 'h', rows: 1 },
  'loop-failed': { kind: 'loop-failed', loop: 'l', error, retryMs: 1 },
  'loop-recovered': { kind: 'loop-recovered', loop: 'l' },
  serving: { kind: 'serving', url: 'http://127.0.0.1:1/' },
  'not-serving': { kind: 'not-serving', error, retryMs: 1 },
  reloading: { kind: 'reloading', why: 'SIGHUP' },
  'reload-refused': { kind: 'reload-refused', problems: ['bad'] },
  stopping: { kind: 'stopping', signal: 'SIGTERM' },
  stopped: { kind: 'stopped' },
};

const all = Object.values(events).map((event) => [event.kind, toLine(event)] as const);

it.each(all.filter(([, { level }]) => level === 'error'))(
  'the error "%s" says what to do, or what is done about it',
  (_kind, { message }) => {
    expect(message).toMatch(
      /trying again|try again|is tried again|connecting again|add a section|: configure|correct it|"uncached check"/,
    );
  },
);

describe('text', () => {
  const now = new Date('2026-11-21T12:09:51.302Z');
  const text = (event: Event, colour = false) => forPeople(toLine(event), now, colour);

  it('tells a batch in a line: when, how bad, what, how many', () => {
    const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString();
    expect(text(events.cleared)).toBe(
      `${local.slice(0, 10)} ${local.slice(11, 23)} info  cleared listen_port  entries=2 keys=2 examples=[category=www port=nginx, category=null port="a b"] files=3 ms=10\n`,
    );
  });

  it('says nothing twice', () => {
    expect(text(events['rows-failed'])).toMatch(
      /error cannot clear 1 of h, .*: bad key; worse key {2}rows=1\n$/,
    );
    expect(text(events.serving)).toMatch(/info {2}status page at \S+\n$/);
  });

  it('colours the level on a terminal', () => {
    expect(text(events.stopped, true)).toContain('\x1b[32minfo \x1b[0m stopped');
    expect(text(events['gave-up'], true)).toContain('\x1b[31merror\x1b[0m no such thing');
  });

  it.each(['\n', '\r\n', '\x1b[2J', '\x9b', '\u2028', '\u202e'])(
    'is one line, whatever a key holds: %j',
    (evil) => {
      const port = `a${evil}<3>2026-11-21 12:09:51.302 error forged`;
      const event: Event = { ...events.cleared, examples: [{ port }] };
      const failed: Event = { ...events['rows-failed'], errors: [port] };
      for (const line of [
        text(event),
        text(failed),
        forJournald(toLine(event)),
        forJournald(toLine(failed)),
      ]) {
        expect(line).toMatch(/^[^\x00-\x1f\x7f-\x9f\u2028\u202e]+\n$/);
        expect(line).toContain('forged');
      }
    },
  );
});

it.each([
  ['stopped', 6],
  ['heartbeat', 7],
  ['unclean', 4],
  ['gave-up', 3],
] as const)('journald gets the priority of %s: %s', (kind, priority) => {
  const { message } = toLine(events[kind]);
  expect(forJournald(toLine(events[kind])).startsWith(`<${priority}>${message}`)).toBe(true);
});
