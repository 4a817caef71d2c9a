import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { World } from './world.ts';

export interface Bare {
  readonly pid: number;
  /** Resolves with its next line. */
  line(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts bare.ts; resolves when it listens. */
export async function startBare(
  { database }: World,
  what: 'unlink' | 'count',
  channels: readonly string[],
): Promise<Bare> {
  const script = join(import.meta.dirname, 'bare.js');
  const child = spawn(process.execPath, [script, what, JSON.stringify(database.config), ...channels], {
    detached: true,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'close');
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const line = async () => String((await lines.next()).value);
  if ((await line()) !== 'listening') throw new Error('Bare node-postgres does not start');
  return {
    pid: child.pid ?? 0,
    line,
    async stop() {
      child.kill('SIGKILL');
      await ended;
    },
  };
}
