import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { main } from '../uncached.ts';
import { client, ini, site } from './commands.ts';
import { goneReader, piped, slowReader } from './piped.ts';

const failing = 3_000;
const pages = 5_000;
const handlers = 700;

/** Handlers without mistakes. */
const moreHandlers = Array.from(
  { length: handlers },
  (_, n) =>
    `[handler.unknown_${n}]\nqueue = cache_clearing_ports\nclear[] = articles/by-section/{column_number_${n}}/\n`,
).join('');

const on = (...args: string[]) => ['--config', site.configure(ini()), ...args];
const onMany = (...args: string[]) => ['--config', site.configure(`${ini()}${moreHandlers}`), ...args];
const onBad = (...args: string[]) => [
  '--config',
  site.configure(`${ini()}${moreHandlers.replaceAll('queue', 'quue')}`),
  ...args,
];

const fail = () =>
  client.query(
    `INSERT INTO uncached.failing (consumer, id, handler, key, claimed_at, last_error, retry_at)
     SELECT 'a cache', i, 'unknown_' || i, '{"port": "a"}', now(), 'no way to clear this page, for one of many reasons',
            now() + interval '1 hour'
       FROM generate_series(1, $1) i`,
    [failing],
  );
const misdirect = () =>
  client.query(
    `INSERT INTO listen_for (name, script_name)
     SELECT 'a_channel_' || i, 'a_handler_that_nobody_has_configured_' || i FROM generate_series(1, $1) i`,
    [handlers],
  );
const publish = () =>
  site.write(
    Array.from({ length: pages }, (_, n) => `news/a-page-with-quite-a-long-name-of-its-own-${n}.html`),
  );

interface Command {
  readonly args: () => string[];
  /** The minimum number of lines. */
  readonly lines: number;
  readonly code?: number;
  readonly before?: () => unknown;
}

const commands: Readonly<Record<string, Command>> = {
  'failing list': { args: () => on('failing', 'list'), lines: failing, before: fail },
  'failing list --json': { args: () => on('failing', 'list', '--json'), lines: failing * 11, before: fail },
  status: { args: () => on('status'), lines: failing + 7, code: 2, before: fail },
  'status --json': { args: () => on('status', '--json'), lines: failing * 11, code: 2, before: fail },
  'clear --dry-run': { args: () => on('clear', 'news', '--dry-run'), lines: pages + 1, before: publish },
  check: { args: () => on('check'), lines: handlers + 1, code: 1, before: misdirect },
  config: { args: () => onMany('config'), lines: handlers * 4 },
  schema: { args: () => ['schema'], lines: 200 },
  help: { args: () => ['--help'], lines: 20 },
};

// Each test runs three large commands.
vi.setConfig({ testTimeout: 120_000 });

describe.each(Object.entries(commands))('%s', (_name, { args, lines, code = 0, before }) => {
  it('says everything to a slow reader, and is as ever when its reader has left', async () => {
    await before?.();
    const { read, ...ended } = await piped(args(), slowReader);
    expect(ended).toEqual({ code, other: '' });
    expect(read.split('\n').length).toBeGreaterThanOrEqual(lines);
    expect(read.endsWith('\n')).toBe(true);
    if (args().includes('--json')) expect(() => JSON.parse(read)).not.toThrow();

    expect(await piped(args(), goneReader)).toEqual({ code, read: '', other: '' });
  });
});

it('every problem is also reported on standard error', async () => {
  const { read, ...ended } = await piped(onBad('config'), slowReader, 'stderr');
  expect(ended).toEqual({ code: 2, other: '' });
  expect(read.match(/^uncached: .*did you mean "queue"/gm)).toHaveLength(handlers);
  expect(await piped(onBad('config'), goneReader, 'stderr')).toEqual({ code: 2, read: '', other: '' });
});

it.runIf(existsSync('/dev/full'))('what cannot be written is told, and is a failure', () => {
  const full = spawnSync('sh', ['-c', '"$@" > /dev/full', 'sh', process.execPath, main, 'schema'], {
    encoding: 'utf8',
  });
  expect(full.stderr).toMatch(/^uncached: cannot write to standard output: ENOSPC.*\n$/);
  expect(full.status).toBe(1);
});
