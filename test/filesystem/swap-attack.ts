import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lastWill } from '../last-will.ts';

/**
 * A root, an outside with files of the same names, and a process that swaps a directory for a link to the
 * outside.
 */
export interface SwapAttack {
  readonly root: string;
  /** The number of outside files deleted so far. */
  losses(): number;
  end(): Promise<void>;
}

const names = ['a', 'b', 'c', 'd'];

/** @param target the directory to swap, below root */
export async function attack(target: string): Promise<SwapAttack> {
  const base = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'uncached-swap-'));
  const [root, outside] = [join(base, 'root'), join(base, 'outside')];
  mkdirSync(root);
  mkdirSync(outside);
  for (const name of names) writeFileSync(join(outside, name), 'precious');
  const attacker = spawn(process.execPath, ['-e', script, base, target, ...names], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const revoke = lastWill('kill -9 "$1"; sleep 0.1; rm -rf "$2"', String(attacker.pid), base);
  await once(attacker.stdout, 'data');
  return {
    root,
    losses: () => names.length - readdirSync(outside).length,
    async end() {
      attacker.kill('SIGKILL');
      await once(attacker, 'exit');
      revoke();
      rmSync(base, { recursive: true, force: true });
    },
  };
}

/**
 * Swaps repeatedly, with a sleep of some microseconds between the swaps. A process that wakes up preempts
 * others, so it interrupts a clearing at any moment, even on a shared processor. While the link is in place
 * it restores deleted pages in the directory that it moved away. It never restores through the target,
 * because that would also restore the outside.
 */
const script = `
const fs = require('node:fs');
const { dirname } = require('node:path');
const [base, below, ...names] = process.argv.slice(1);
const target = base + '/root/' + below, hand = base + '/hand', link = base + '/link';
const bell = new Int32Array(new SharedArrayBuffer(4));
const sleep = () => Atomics.wait(bell, 0, 0, Math.random() * 0.1);
const attempt = (step) => { try { step(); } catch {} };
for (let round = 0; ; round++) {
  attempt(() => fs.mkdirSync(dirname(target), { recursive: true }));
  attempt(() => fs.renameSync(target, hand));
  attempt(() => fs.renameSync(link, target));
  sleep();
  attempt(() => fs.mkdirSync(hand));
  for (const name of names) attempt(() => fs.closeSync(fs.openSync(hand + '/' + name, 'a')));
  attempt(() => fs.renameSync(target, link));
  attempt(() => fs.renameSync(hand, target));
  attempt(() => fs.symlinkSync(base + '/outside', link));
  sleep();
  if (round === 10) process.stdout.write('swapping');
}
`;
