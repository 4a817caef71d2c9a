import { type App, openApp } from '../app.ts';
import type { Loaded } from '../config/load.ts';
import type { ChannelBinding, Clock } from '../core/contracts.ts';
import { explain, isOutage, toError, UsageError } from '../core/errors.ts';
import type { Observe } from '../core/events.ts';
import type { RunCommand } from '../core/run-command.ts';
import { usualTimings } from '../core/timings.ts';
import { Loop } from '../daemon/loop.ts';
import { type LoadedAll, loadAll } from '../load-all.ts';

/** A configuration that was tried: its app is open and has reached its database. */
export interface TriedConfiguration {
  readonly app: App;
  readonly channels: ChannelBinding[];
}

interface ReloadParts {
  readonly file: string;
  readonly run: RunCommand;
  readonly observe: Observe;
  readonly clock: Clock;
  /** Called with each configuration that can take the place of the old one. */
  readonly onTried: (tried: TriedConfiguration) => void;
}

/**
 * Reads the configuration when it is asked to, and tries it while the old one stays in effect. If anything is wrong,
 * everything is reported and nothing has changed. If only its database is away, what was read is tried again until that
 * is back, or a newer configuration is asked for.
 */
export class Reload {
  readonly #parts: ReloadParts;
  readonly #loop: Loop;
  #asked = false;
  /** What waits for its database. */
  #waiting: LoadedAll | undefined;
  #reported = '';

  constructor(parts: ReloadParts) {
    this.#parts = parts;
    const { clock, observe } = parts;
    this.#loop = new Loop('reload', () => this.#attempt(), { clock, observe, timings: usualTimings });
  }

  ask(): void {
    this.#asked = true;
    this.#loop.wake();
  }

  stop(): Promise<void> {
    return this.#loop.stop();
  }

  /** Returns the milliseconds until the next attempt, or null. */
  async #attempt(): Promise<number | null> {
    const { file, observe, onTried } = this.#parts;
    if (this.#asked) {
      this.#asked = false;
      this.#waiting = undefined;
      this.#reported = '';
    }
    try {
      this.#waiting ??= loadAll(file);
      onTried(await this.#try(this.#waiting));
      observe({ kind: 'reloading', why: 'SIGHUP' });
      logNotices(this.#waiting, observe);
    } catch (thrown) {
      const [problems, againMs] =
        thrown instanceof UsageError
          ? [thrown.problems, null]
          : [[explain(toError(thrown))], isOutage(thrown) ? usualTimings.reloadAgainMs : null];
      this.#refuse(problems, againMs);
      if (againMs !== null) return againMs;
    }
    this.#waiting = undefined;
    return null;
  }

  /**
   * Connects to the database, reads `listen_for`, checks every queue table, receives a notification and opens the root.
   * Throws a UsageError with all problems.
   */
  async #try(loaded: LoadedAll): Promise<TriedConfiguration> {
    const app = openApp(loaded, { run: this.#parts.run });
    try {
      const problems = await app.problems();
      if (problems.length > 0) throw new UsageError(problems);
      const channels = await app.channels();
      return { app, channels };
    } catch (thrown) {
      app.close().catch(() => {});
      throw thrown;
    }
  }

  /** Attempts that fail for the same reason report it once. */
  #refuse(problems: readonly string[], retryMs: number | null): void {
    const text = problems.join('\n');
    if (text !== this.#reported) this.#parts.observe({ kind: 'reload-refused', problems, retryMs });
    this.#reported = text;
  }
}

export function logNotices({ notices }: Loaded, observe: Observe): void {
  for (const text of notices) observe({ kind: 'notice', text });
}
