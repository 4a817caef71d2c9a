import { openSync, writeSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import type { Connection } from '../postgres/connection.ts';
import { type Random, seeded } from '../random.ts';
import { hotData } from './families.ts';
import { Gate } from './gate.ts';

/** What a process of the load is told when it is started; the same for each of its loops. */
export interface Setting {
  readonly seed: string;
  /** Such as `writer 2`. */
  readonly name: string;
  /** Four hex digits that no other process of the run has: its files carry them. */
  readonly mark: string;
  readonly connection: Connection;
  readonly root: string;
  readonly settleMs: number;
  readonly trace: string;
}

/** From the run to a process of the load, and back. */
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
 * Runs a loop of each of the turns, with a connection of its own, while the run says so; ends when the run
 * does.
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
  // A lost connection fails the next query; unheard, the event would end the process.
  client.on('error', () => {});
  await client.connect();
  // Who waits for the row of a transaction that idles for seconds gives up at some point, as a web site
  // would.
  await client.query(`SET lock_timeout = '200ms'; SET statement_timeout = '10s'`);
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

/** Serialization, deadlock, lock time-out, unique; shut down, starting up, connection lost. */
const expected = ['40001', '40P01', '55P03', '23505', '57P01', '57P02', '57P03', '08006', '08001'];
const lost =
  /Connection terminated|not queryable|timeout expired|ECONNREFUSED|ECONNRESET|ENOENT.*\.s\.PGSQL|EPIPE/;

function isExpected(error: unknown): boolean {
  const { code, message } = error as { code?: string; message?: string };
  return expected.includes(code ?? '') || lost.test(message ?? '');
}
