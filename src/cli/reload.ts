import { type App, openApp } from '../app.ts';
import type { Loaded } from '../config/load.ts';
import type { ChannelBinding } from '../core/contracts.ts';
import { explain, toError, UsageError } from '../core/errors.ts';
import type { Observe } from '../core/events.ts';
import type { RunCommand } from '../core/run-command.ts';
import { loadAll } from '../load-all.ts';

/** A configuration that was tried: its app is open and has reached its database. */
export interface TriedConfiguration {
  readonly app: App;
  readonly channels: ChannelBinding[];
}

/**
 * Reads the configuration again and tries it while the old one stays in effect. The trial connects to the
 * database, reads `listen_for`, checks every queue table, receives a notification and opens the root.
 * Undefined if anything is wrong: everything is reported, and nothing has
 * changed.
 */
export async function tryConfiguration(
  file: string,
  { run, observe }: { run: RunCommand; observe: Observe },
): Promise<TriedConfiguration | undefined> {
  let app: App | undefined;
  try {
    const loaded = loadAll(file);
    app = openApp(loaded, { run });
    const problems = await app.problems();
    if (problems.length > 0) throw new UsageError(problems);
    const channels = await app.channels();
    observe({ kind: 'reloading', why: 'SIGHUP' });
    logNotices(loaded, observe);
    return { app, channels };
  } catch (thrown) {
    const problems = thrown instanceof UsageError ? thrown.problems : [explain(toError(thrown))];
    observe({ kind: 'reload-refused', problems });
    app?.close().catch(() => {});
    return undefined;
  }
}

export function logNotices({ notices }: Loaded, observe: Observe): void {
  for (const text of notices) observe({ kind: 'notice', text });
}
