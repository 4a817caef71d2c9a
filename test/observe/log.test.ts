import { describe, expect, it } from 'vitest';
import type { Event } from '../../src/core/events.ts';
import { toLine } from '../../src/observe/messages.ts';
import { formatJournald, formatText } from '../../src/observe/text-format.ts';

const error = new Error('no such thing');

/** One event of each kind. */
const events: { readonly [K in Event['kind']]: Extract<Event, { kind: K }> } = {
  starting: { kind: 'starting', version: '1', file: '/etc/uncached.ini', pid: 1, root: '/cache' },
  'database-unavailable': { kind: 'database-unavailable', error, retryMs: 1 },
  retrying: { kind: 'retrying', error, retryMs: 1 },
  'systemd-notify-failed': { kind: 'systemd-notify-failed', error },
  'fatal-error': { kind: 'fatal-error', error },
  'unexpected-error': { kind: 'unexpected-error', error },
  listening: { kind: 'listening', channels: [{ channel: 'port_updated', handler: 'listen_port' }] },
  'unknown-handler': { kind: 'unknown-handler', channel: 'c', handler: 'h', known: [] },
  'unusable-channel': { kind: 'unusable-channel', problem: 'the name is empty: correct it' },
  notice: { kind: 'notice', text: 'a quoted path' },
  'disabled-handler': { kind: 'disabled-handler', channel: 'c', handler: 'h', why: 'no' },
  'handler-without-channel': { kind: 'handler-without-channel', handler: 'h' },
  'listener-lost': { kind: 'listener-lost', error },
  'database-recovered': { kind: 'database-recovered', ms: 1 },
  heartbeat: { kind: 'heartbeat', ms: 1 },
  notified: { kind: 'notified', channel: 'c' },
  'cache-wiped': { kind: 'cache-wiped', why: 'crash', files: 1, whole: true },
  'wipe-failed': { kind: 'wipe-failed', error: 'a/old: ELOOP, a link', paths: 1 },
  'wipe-completed': { kind: 'wipe-completed' },
  'marker-failed': { kind: 'marker-failed', error },
  'log-recovery': { kind: 'log-recovery', rows: 1 },
  cleared: {
    kind: 'cleared',
    handler: 'listen_port',
    entries: 2,
    keys: 2,
    examples: [
      { category: 'www', port: 'nginx' },
      { category: null, port: 'a b' },
    ],
    failedKeys: 0,
    files: 3,
    ms: 10.04,
    lagMs: null,
  },
  'clear-failed': { kind: 'clear-failed', handler: 'h', failedKeys: 1, examples: [{}], files: 0, ms: 1 },
  settled: { kind: 'settled', rows: 1, files: 1 },
  'batch-done': {
    kind: 'batch-done',
    handler: 'h',
    consumer: 'files',
    cleared: [1],
    files: 1,
    failures: [],
    invalid: [],
  },
  'rows-failed': { kind: 'rows-failed', handler: 'h', rows: 1, errors: ['bad key', 'worse key'] },
  'rows-invalid': { kind: 'rows-invalid', handler: 'h', rows: 2, errors: ['bad key'] },
  'disk-failing': { kind: 'disk-failing', code: 'EROFS', error: 'read-only', rows: 1 },
  'disk-recovered': { kind: 'disk-recovered', code: 'EROFS', ms: 1, rows: 1 },
  'target-asked': { kind: 'target-asked', target: 'varnish', outcome: 'failed', ms: 1, works: 1 },
  'target-down': { kind: 'target-down', target: 'varnish', text: '[purge.varnish] http://v is down' },
  'target-up': { kind: 'target-up', target: 'varnish', called: '[purge.varnish] http://v', ms: 3_720_000 },
  'cleared-behind': { kind: 'cleared-behind', consumer: 'purge varnish', lagMs: 1 },
  'rows-orphaned': { kind: 'rows-orphaned', handler: 'h', rows: 1 },
  'loop-failed': { kind: 'loop-failed', loop: 'l', error, retryMs: 1 },
  'loop-recovered': { kind: 'loop-recovered', loop: 'l' },
  'problem-found': {
    kind: 'problem-found',
    problem: { level: 'critical', kind: 'lag', handler: 'h', text: 'h lags' },
  },
  'problem-resolved': {
    kind: 'problem-resolved',
    problem: { level: 'critical', kind: 'lag', handler: 'h', text: 'h lags' },
  },
  serving: { kind: 'serving', url: 'http://127.0.0.1:1/' },
  'not-serving': { kind: 'not-serving', error, retryMs: 1 },
  reloading: { kind: 'reloading', why: 'SIGHUP' },
  'reload-refused': { kind: 'reload-refused', problems: ['bad'], retryMs: null },
  stopping: { kind: 'stopping', signal: 'SIGTERM' },
  stopped: { kind: 'stopped' },
};

const all = Object.values(events).map((event) => [event.kind, toLine(event)] as const);

it.each(all.filter(([, { level }]) => level === 'error'))(
  'the error "%s" says what to do, or what is done about it',
  (_kind, { message }) => {
    expect(message).toMatch(
      /retrying|are retried|is retried|kept and retried|reconnecting|add a section|: configure|correct it|starts uncached again|"uncached check"/,
    );
  },
);

describe('text', () => {
  const now = new Date('2026-11-21T12:09:51.302Z');
  const text = (event: Event, colour = false) => formatText(toLine(event), now, colour);

  it('logs a batch in a line: when, how bad, what, how many', () => {
    const local = new Date(now.getTime() - now.getTimezoneOffset() * 60_000).toISOString();
    expect(text(events.cleared)).toBe(
      `${local.slice(0, 10)} ${local.slice(11, 23)} info  cleared listen_port  entries=2 keys=2 examples=[category=www port=nginx, category=null port="a b"] files=3 durationMs=10\n`,
    );
  });

  it('says nothing twice', () => {
    expect(text({ ...events.cleared, failedKeys: 4 })).toMatch(
      / cleared listen_port {2}entries=2 keys=2 failedKeys=4 /,
    );
    expect(text(events['clear-failed'])).toMatch(/ info {2}could not clear h {2}failedKeys=1 /);
    expect(text(events['rows-failed'])).toMatch(
      /error h: 1 row failing: bad key; worse key\. .* {2}rows=1\n$/,
    );
    expect(text(events.serving)).toMatch(/info {2}status page at \S+\n$/);
  });

  it('says how long a target was down, and what it has missed', () => {
    const { kind, ...up } = events['target-up'];
    expect(toLine({ kind, ...up, behind: 71_204 })).toEqual({
      level: 'info',
      message: '[purge.varnish] http://v answers again after 62 min, 71204 rows behind',
      fields: { target: 'varnish', outageMs: 3_720_000, behind: 71_204 },
    });
    expect(toLine({ kind, ...up }).message).toMatch(/again after 62 min$/);
  });

  it('colours the level on a terminal', () => {
    expect(text(events.stopped, true)).toContain('\x1b[32minfo \x1b[0m stopped');
    expect(text(events['fatal-error'], true)).toContain('\x1b[31merror\x1b[0m no such thing');
  });

  it('has the beginning of a long key and of a long error', () => {
    const port = 'a'.repeat(1_000_000);
    expect(text({ ...events.cleared, examples: [{ port }] })).toMatch(
      /port="aaa\S+\.\.\. \(1000000 characters\)"/,
    );
    expect(text({ ...events.cleared, examples: [{ port }] }).length).toBeLessThan(500);
    expect(text({ ...events['rows-failed'], errors: [port, port] }).length).toBeLessThan(2_500);
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
        formatJournald(toLine(event)),
        formatJournald(toLine(failed)),
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
  ['marker-failed', 4],
  ['fatal-error', 3],
] as const)('journald gets the priority of %s: %s', (kind, priority) => {
  const { message } = toLine(events[kind]);
  expect(formatJournald(toLine(events[kind])).startsWith(`<${priority}>${message}`)).toBe(true);
});
