import { existsSync, readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { join } from 'node:path';
import { expect, it, vi } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { iniFor } from '../site.ts';
import { type RunningDaemon, startUncached } from '../uncached.ts';
import { client, enqueuePort, isEvent, site, start } from './running.ts';
import { database } from './site-and-database.ts';

const signals = [
  'SIGUSR1',
  'SIGUSR2',
  'SIGALRM',
  'SIGVTALRM',
  'SIGPROF',
  'SIGPIPE',
  'SIGIO',
  'SIGXFSZ',
] as const;

let ports = 0;

/** A different port each time: the second clearing of the previous one would delete the page first. */
async function clears(daemon: RunningDaemon): Promise<void> {
  ports += 1;
  const page = `ports/www/p${ports}/1`;
  site.write([page]);
  await enqueuePort('www', `p${ports}`);
  await client.query('NOTIFY port_updated');
  // There may be no line about it: a reload may leave a claim in the log.
  await eventually(
    `without ${page}`,
    async () => !existsSync(join(site.root, page)) || undefined,
    async () => JSON.stringify(daemon.log.slice(-10)),
  );
}

/** Whether a process on this machine listens on Node's debugger port. */
const debuggerListens = () =>
  new Promise<boolean>((resolve) => {
    const socket = createConnection(9229, '127.0.0.1');
    socket.on('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.on('error', () => resolve(false));
  });

it('goes on as if nothing had been, whatever signal is meant for others', async () => {
  const before = await debuggerListens();
  const daemon = await start();
  const { ended } = daemon;
  let over = false;
  ended.then(() => {
    over = true;
  });
  await clears(daemon);
  await daemon.until('settling', isEvent('settled'));
  // One of the workers has cleared. Another may still be starting and cannot handle signals yet.
  const workers = await vi.waitFor(() => {
    const children = childrenOf(daemon.pid);
    expect(children.length).toBeGreaterThan(0);
    expect(children.filter(takesSignals)).toEqual(children);
    return children;
  }, 100_000);
  for (const pid of [daemon.pid, ...workers]) for (const signal of signals) process.kill(pid, signal);
  await clears(daemon);
  expect(over).toBe(false);
  expect(daemon.complaints()).toBe('');
  expect(await debuggerListens()).toBe(before);
});

/**
 * Whether a process has a handler for SIGXFSZ, the last that is installed (core/signals.ts). Its number on
 * Linux is 25.
 */
function takesSignals(pid: number): boolean {
  const [, caught = '0'] = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return (BigInt(`0x${caught}`) & (1n << 24n)) !== 0n;
}

function childrenOf(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file) ? readFileSync(file, 'utf8').split(' ').filter(Boolean).map(Number) : [];
}

it('takes no harm from SIGHUP while it starts', async () => {
  const daemon = startUncached(site.configure(iniFor(site, database.config)));
  // From the start of our code in Node, which is not visible from here, until the daemon listens.
  await daemon.until('start', isEvent('starting'));
  for (let nth = 0; nth < 20; nth++) process.kill(daemon.pid, 'SIGHUP');
  await daemon.until('LISTEN', isEvent('listening'));
  await clears(daemon);
  expect(await daemon.stop()).toBe(0);
});

/** Makes a daemon in which a signal causes an unexpected error. */
const failing = (how: string) => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(`process.on("SIGWINCH",()=>${how})`)}`,
});

it.each([
  { what: 'a rejection that nobody handles', how: '{Promise.reject(new Error("unforeseen"))}' },
  { what: 'an exception that nobody catches', how: '{throw new Error("unforeseen")}' },
])('tells of $what, ends in order and with 1', async ({ how }) => {
  const daemon = startUncached(site.configure(iniFor(site, database.config)), failing(how));
  await daemon.until('LISTEN', isEvent('listening'));
  process.kill(daemon.pid, 'SIGWINCH');
  const line = await daemon.until('error', isEvent('unexpected-error'));
  expect(line.msg).toContain('unforeseen');
  expect(line.stack).toContain('Error: unforeseen');
  expect(await daemon.ended).toBe(1);
  expect(daemon.log.at(-1)?.event).toBe('stopped');
  expect(readFileSync(`${site.root}/.uncached`, 'utf8')).toContain('"clean":true');
});
