import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from 'pg';
import { iniFor } from '../test/site.ts';
import { type RunningDaemon, startUncached } from '../test/uncached.ts';
import type { World } from './world.ts';

/** Resolves when it listens and has caught up. No sweep runs meanwhile: only notifications wake it. */
export async function startDaemon(
  { database, client, program }: World,
  { root, folder }: { root: string; folder: string },
  { settle = '0s', ...sections }: { settle?: string; handlers?: string } = {},
): Promise<RunningDaemon> {
  const file = join(folder, 'uncached.ini');
  writeFileSync(
    file,
    iniFor({ root }, database.config, {
      settle,
      ...sections,
      more: `[daemon]\nsweep = 1h`,
    }),
  );
  // In a session of its own, as a service has: Linux shares the processor between sessions (sched(7), autogroup).
  const daemon = startUncached(file, {}, { program, detached: true });
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
  await untilCalm(client);
  return daemon;
}

/** Resolves when the daemon has sent nothing for a while. An entry enqueued then waits for a notification. */
export async function untilCalm(client: Client): Promise<void> {
  for (;;) {
    const { rows } = await client.query<{ calm: boolean }>(
      `SELECT bool_and(state = 'idle' AND state_change < clock_timestamp() - interval '300 milliseconds') AS calm
       FROM pg_stat_activity WHERE application_name LIKE 'uncached%' AND application_name NOT LIKE '% listener'`,
    );
    if (rows[0]?.calm) return;
    await wait(20);
  }
}

/** The end of a backlog, from the log. */
export interface Ends {
  /** performance.now() when every entry had been cleared once. */
  readonly drained: number;
  /** The same when everything was settled. */
  readonly settled: number;
}

const patienceMs = 180_000;

export async function followBacklog(daemon: RunningDaemon, entries: number): Promise<Ends> {
  const left = { entries, rows: 0 };
  let drained = 0;
  const from = daemon.log.length;
  await daemon.until(
    'end of the backlog',
    (line) => {
      if (daemon.log.indexOf(line, from) < 0) return false;
      if (line.event === 'cleared') {
        left.entries -= Number(line.entries);
        left.rows += Number(line.keys);
        if (left.entries === 0) drained = performance.now();
      }
      if (line.event === 'settled') left.rows -= Number(line.rows);
      return left.entries === 0 && left.rows === 0;
    },
    patienceMs,
  );
  return { drained, settled: performance.now() };
}
