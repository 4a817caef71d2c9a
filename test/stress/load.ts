import { openSync, writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import type { Connection } from '../postgres/connection.ts';
import { type Random, seeded } from '../random.ts';
import { hotData } from './families.ts';
import { Gate } from './gate.ts';

/** What a load process receives when it starts. It is the same for each of its loops. */
export interface Setting {
  readonly seed: string;
  /** For example `writer 2`. */
  readonly name: string;
  /** Four hex digits, unique among the processes of the run. The names of its files contain them. */
  readonly mark: string;
  readonly connection: Connection;
  readonly root: string;
  readonly settleMs: number;
  readonly restMs: number;
  readonly trace: string;
}

/** Messages from the run to a load process, and back. */
export type Order = 'go' | 'pause';
export type Message =
  | { kind: 'paused' }
  | { kind: 'figures'; figures: Readonly<Record<string, number>> }
  | { kind: 'violation'; what: string; paths: readonly string[]; detail: string };

/** What a loop works with. */
export interface Load extends Setting {
  readonly random: Random;
  readonly hot: ReturnType<typeof hotData>;
  count(figure: string, by?: number): void;
  note(line: object): void;
  violation(what: string, paths: readonly string[], detail: string): void;
}

export type Turn = (client: Client, load: Load) => Promise<void>;

/**
 * Runs a loop for each of the turns, with a connection of its own, while the run allows it. Ends with the
 * run.
 */
export function runLoad(turns: readonly ((setting: Setting) => Turn)[]): void {
  const setting = JSON.parse(process.argv[2] ?? '') as Setting;
  const gate = new Gate(turns.length);
  const figures: Record<string, number> = {};
  const trace = openSync(setting.trace, 'a');
  const send = (message: Message) => process.connected && process.send?.(message);
  const tellFigures = () => send({ kind: 'figures', figures });

  process.on('disconnect', () => process.exit());
  process.on('message', (order: Order) => {
    if (order === 'go') return gate.open();
    gate.close().then(() => {
      tellFigures();
      send({ kind: 'paused' });
    });
  });
  setInterval(tellFigures, 500);

  turns.forEach((turn, n) => {
    const name = `${setting.name}.${n}`;
    const load: Load = {
      ...setting,
      name,
      random: seeded(`${setting.seed} ${name} ${setting.mark}`),
      hot: hotData(setting.seed),
      count: (figure, by = 1) => {
        figures[figure] = (figures[figure] ?? 0) + by;
      },
      note: (line) => void writeSync(trace, `${JSON.stringify({ at: Date.now(), who: name, ...line })}\n`),
      violation: (what, paths, detail) => send({ kind: 'violation', what, paths, detail }),
    };
    void loop(turn(setting), gate, load);
  });
}

async function loop(turn: Turn, gate: Gate, load: Load): Promise<never> {
  let client: Client | undefined;
  for (;;) {
    await gate.pass();
    try {
      client ??= await connect(load);
      await turn(client, load);
      if (load.restMs > 0) await wait(load.random.between(0, load.restMs));
    } catch (error) {
      if (!isExpected(error)) load.violation('fault', [], `${load.name}: ${(error as Error).stack}`);
      load.count(`failed: ${(error as { code?: string }).code ?? 'no connection'}`);
      client = await rolledBack(client);
      // While PostgreSQL is down every turn fails at once.
      if (!client) await wait(load.random.between(50, 150));
    }
  }
}

async function connect({ connection, name }: Setting): Promise<Client> {
  const client = new Client({
    ...connection,
    application_name: `stress ${name}`,
    connectionTimeoutMillis: 5_000,
  });
  // A lost connection fails the next query. Without this handler the event would end the process.
  client.on('error', () => {});
  await client.connect();
  // Like a web site, it gives up when it waits too long for a row of an idle transaction.
  await client.query(`SET lock_timeout = '200ms'; SET statement_timeout = '60s'`);
  return client;
}

async function rolledBack(client: Client | undefined): Promise<Client | undefined> {
  try {
    await client?.query('ROLLBACK');
    return client;
  } catch {
    client?.end().catch(() => {});
    return undefined;
  }
}

/**
 * Serialization failure, deadlock, lock time-out, unique violation; shutdown, start-up, lost connection. And a cancelled
 * query, which nobody has asked for: PostgreSQL ends a wait for a lock as if somebody had, and in one of 20,000 the reason
 * was lost.
 */
const expected = ['40001', '40P01', '55P03', '57014', '23505', '57P01', '57P02', '57P03', '08006', '08001'];
const lost =
  /Connection terminated|not queryable|timeout expired|ECONNREFUSED|ECONNRESET|ENOENT.*\.s\.PGSQL|EPIPE/;

function isExpected(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return expected.includes(code ?? '') || lost.test(message ?? '');
}
