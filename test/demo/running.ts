import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { projectRoot } from '../postgres/project-root.ts';
import { within } from '../postgres/within.ts';

export interface RunningDemo {
  /** Everything printed so far. */
  output(): string;
  /** Resolves with the first match in the output, past and future, from the character `from` on. */
  until(what: RegExp, from?: number): Promise<RegExpMatchArray>;
  /** Ends it as Ctrl-C does. Resolves with its exit code. */
  stop(): Promise<number | null>;
}

export function startDemo(env: NodeJS.ProcessEnv, args: readonly string[] = []): RunningDemo {
  const child = spawn(process.execPath, [join(projectRoot, 'build/test/demo/main.js'), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = once(child, 'close');
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (output += data));

  const until = async (what: RegExp, from: number, signal: AbortSignal) => {
    for (;;) {
      const found = output.slice(from).match(what);
      if (found) return found;
      await Promise.race([once(child.stdout, 'data', { signal }), ended]);
      if (child.exitCode !== null) throw new Error(`The demo ended before ${what}:\n${output}`);
    }
  };
  return {
    output: () => output,
    until: (what, from = 0) =>
      within(300_000, `see ${what}`, (signal) => until(what, from, signal)).catch((cause) => {
        throw new Error(`${cause}\n${output}`, { cause });
      }),
    async stop() {
      child.kill('SIGINT');
      const [code] = await ended;
      return code;
    },
  };
}
