import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Guardian } from './guardian.ts';
import { watchFor } from './watch.ts';
import { within } from './within.ts';

/** One run of PostgreSQL. A restart starts another one. */
export interface Postmaster {
  readonly pid: number;
  /**
   * Shuts it down in fast mode. Like kill(), it resolves when every process below it has ended too, even if
   * it had ended before the call.
   */
  shutDown(): Promise<void>;
  /** Kills it and every process below it. */
  kill(): Promise<void>;
}

const startMs = 100_000;
const endMs = 100_000;

/**
 * Starts PostgreSQL on `directory`/data and resolves when it accepts connections. Rejects with the end of its
 * log when it exits instead, or is not ready in time.
 */
export async function startPostmaster(
  guardian: Guardian,
  binaries: string,
  directory: string,
): Promise<Postmaster> {
  const ended = new AbortController();
  const gone = left(guardian).then(() => ended.abort(new Error('it ended before it was ready')));
  try {
    return await within(startMs, 'see it ready', async (signal) => {
      const pid = Number(await guardian.ask(`start ${binaries}`, 'started', signal));
      const data = join(directory, 'data');
      await watchFor(data, () => readiness(data, pid), AbortSignal.any([signal, ended.signal]));
      const end = async (how: () => void) => {
        if (!ended.signal.aborted) how();
        await within(endMs, `end PostgreSQL (${pid})`, () => gone);
      };
      return {
        pid,
        shutDown: () => end(() => process.kill(pid, 'SIGINT')),
        kill: () => end(() => guardian.tell('kill')),
      };
    });
  } catch (error) {
    const cause = ended.signal.aborted ? ended.signal.reason : error;
    throw new Error(
      `Cannot start PostgreSQL with ${binaries}/postgres: ${messageOf(cause)}. ` +
        `Correct the setting or the surroundings that its log complains of:\n${await endOfLog(directory)}`,
      { cause },
    );
  }
}

/** The last lines that initdb and postgres wrote. */
export async function endOfLog(directory: string): Promise<string> {
  const log = await readFile(join(directory, 'log'), 'utf8').catch(messageOf);
  return log.trimEnd().split('\n').slice(-30).join('\n');
}

/** Resolves when the previous server has ended and its pid is no longer that of a zombie. */
async function left(guardian: Guardian): Promise<void> {
  const never = new AbortController().signal;
  try {
    await guardian.report('gone', never);
    await guardian.ask('reap', 'reaped', never);
  } catch {
    // The guardian has ended, so the server has: the guardian always ends last.
  }
}

/**
 * True when postmaster.pid contains `pid` (a killed server leaves its file behind) and its status line says
 * ready.
 */
async function readiness(data: string, pid: number): Promise<true | undefined> {
  const lines = (await readFile(join(data, 'postmaster.pid'), 'utf8').catch(() => '')).split('\n');
  const status = lines[7]?.trim() ?? '';
  return lines[0] === String(pid) && ['ready', 'standby'].includes(status) ? true : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
