import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { type Connection, withClient } from '../postgres/connection.ts';
import { type Allowance, judgeFlat, type Verdict } from './flat.ts';

export const measures = ['memory MiB', 'descriptors', 'connections'] as const;
export type Measure = (typeof measures)[number];

/**
 * Half a page of V8's heap comes and goes; a session of a count, or of a reload, too. A daemon that is away has none of
 * its twelve sessions. (The most that all may have is asserted at quiet points.)
 */
const allowances: Readonly<Record<Measure, Allowance>> = {
  'memory MiB': { share: 0.05, more: 4 },
  descriptors: { share: 0, more: 3 },
  connections: { share: 0, more: 12 },
};

const everyMs = 1_000;

/** Samples of one daemon that is never restarted, and of the sessions of all. */
export class Sampler {
  readonly #series: Record<Measure, number[]> = { 'memory MiB': [], descriptors: [], connections: [] };

  /** Samples until the signal aborts. */
  async run(pid: number, connection: Connection, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      // One that has ended is reported by itself (stress/daemon.ts).
      if (!existsSync(`/proc/${pid}/status`)) return;
      this.#series['memory MiB'].push(residentMiB(pid));
      this.#series.descriptors.push(readdirSync(`/proc/${pid}/fd`).length);
      // None while PostgreSQL is down.
      const found = await sessions(connection).catch(() => undefined);
      if (found !== undefined) this.#series.connections.push(found);
      await wait(everyMs, undefined, { signal }).catch(() => {});
    }
  }

  verdicts(): Record<Measure, Verdict> {
    return Object.fromEntries(
      measures.map((measure) => [measure, judgeFlat(this.#series[measure], allowances[measure])]),
    ) as Record<Measure, Verdict>;
  }
}

function residentMiB(pid: number): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024;
}

async function sessions(connection: Connection): Promise<number> {
  return await withClient(connection, async (client) => {
    const { rows } = await client.query<{ sessions: number }>(
      `SELECT count(*)::int AS sessions FROM pg_stat_activity WHERE application_name LIKE 'uncached %'`,
    );
    return rows[0]?.sessions ?? 0;
  });
}
