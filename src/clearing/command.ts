import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** Runs a program with its arguments, without a shell. Rejects with an Error in words, what it printed included. */
export type RunCommand = (command: readonly string[]) => Promise<void>;

const commandTimeoutMs = 60_000;

export const runCommand: RunCommand = async ([program = '', ...args]) => {
  try {
    await promisify(execFile)(program, args, { timeout: commandTimeoutMs, killSignal: 'SIGKILL' });
  } catch (error) {
    throw new Error(`cannot run "${[program, ...args].join(' ')}": ${reason(error as CommandError)}`, {
      cause: error,
    });
  }
};

interface CommandError extends Error {
  readonly code?: number | string;
  readonly killed?: boolean;
  readonly stderr?: string;
}

function reason({ code, killed, stderr, message }: CommandError): string {
  const printed = stderr?.trim() ? `: ${stderr.trim()}` : '';
  if (killed) return `it did not end within ${commandTimeoutMs / 1000} s and was killed${printed}`;
  return typeof code === 'number' ? `it ended with ${code}${printed}` : message;
}
