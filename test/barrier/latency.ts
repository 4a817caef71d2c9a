import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Client, escapeLiteral } from 'pg';
import { type Connection, connectionOf } from '../postgres/connection.ts';
import { iniFor, makeSite } from '../site.ts';
import { type RunningDaemon, startUncached } from '../uncached.ts';
import { installLoad } from './install.ts';
import { handlers } from './load.ts';

/** Milliseconds from a commit, at `settle = 0s`: until the page is gone, and until the change may be announced. */
export interface Latencies {
  readonly gone: number[];
  readonly announced: number[];
  /** By wait_cleared(), which polls. */
  readonly waited: number[];
}

/** One change after the other on a machine that does nothing else. */
export async function measureLatencies(server: Connection, events: number): Promise<Latencies> {
  const site = makeSite();
  const [client, reader] = [new Client(connectionOf(server)), new Client(connectionOf(server))];
  await Promise.all([client.connect(), reader.connect()]);
  const file = site.configure(iniFor(site, server, { settle: '0s', handlers, more: '[daemon]\nsweep = 1h' }));
  const directory = join(site.root, 'ports/e0/e0');
  const page = join(directory, 'page.html');
  mkdirSync(directory, { recursive: true });
  await reader.query('LISTEN uncached_cleared');
  let heard = () => {};
  reader.on('notification', () => heard());
  const latencies: Latencies = { gone: [], announced: [], waited: [] };

  async function change(): Promise<{ xid: string; committed: number }> {
    writeFileSync(page, 'page');
    const { rows } = await client.query<{ xid: string }>(
      `UPDATE pages SET v = v + 1 WHERE k = 'e0' RETURNING pg_current_xact_id()::text AS xid`,
    );
    return { xid: rows[0]?.xid ?? '', committed: performance.now() };
  }

  async function announced(xid: string): Promise<void> {
    for (;;) {
      const again = new Promise<void>((resolve) => {
        heard = resolve;
      });
      const { rows } = await reader.query(`SELECT uncached.is_cleared(${escapeLiteral(xid)}) AS yes`);
      if (rows[0]?.yes) return;
      await Promise.race([again, wait(1_000)]);
    }
  }

  let daemon: RunningDaemon | undefined;
  try {
    await installLoad(client);
    daemon = startUncached(file);
    await daemon.until('LISTEN', ({ event }) => event === 'listening');
    await wait(2_000);
    for (let n = 0; n < events; n += 1) {
      const one = await change();
      while (existsSync(page)) await wait(0);
      latencies.gone.push(performance.now() - one.committed);
      await announced(one.xid);
      await wait(15);
      const two = await change();
      await announced(two.xid);
      latencies.announced.push(performance.now() - two.committed);
      await wait(15);
      const three = await change();
      await reader.query(`CALL uncached.wait_cleared(${escapeLiteral(three.xid)})`);
      latencies.waited.push(performance.now() - three.committed);
      await wait(15);
    }
    return latencies;
  } finally {
    await daemon?.stop();
    await Promise.all([client.end(), reader.end()]);
    site.remove();
  }
}

export function percentile(values: readonly number[], part: number): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length * part)] ?? Number.NaN;
}
