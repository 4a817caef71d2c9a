import type { Client } from 'pg';
import type { Datum, Family } from './families.ts';

/** How a producer enqueues. The entry is inserted, skipped because one exists, or left to a trigger. */
export interface Style {
  readonly name: string;
  enqueue(client: Client, datum: Datum): Promise<'inserted' | 'skipped' | 'trigger'>;
  /** PREPARE TRANSACTION is refused after a NOTIFY. */
  readonly silent?: true;
}

const insert: Style = {
  name: 'insert',
  async enqueue(client, datum) {
    await client.query(`INSERT INTO ${queue(datum)} (category, port) VALUES ($1, $2)`, key(datum));
    return notify(client, datum);
  },
};

const notExists: Style = {
  name: 'where not exists',
  async enqueue(client, datum) {
    const { rowCount } = await client.query(
      `INSERT INTO ${queue(datum)} (category, port) SELECT $1, $2
       WHERE NOT EXISTS (SELECT FROM ${queue(datum)} WHERE category = $1 AND port = $2)`,
      key(datum),
    );
    return rowCount ? notify(client, datum) : 'skipped';
  },
};

const selectThenInsert: Style = {
  name: 'select, then insert',
  async enqueue(client, datum) {
    const found = `SELECT FROM ${queue(datum)} WHERE category = $1 AND port = $2`;
    if ((await client.query(found, key(datum))).rowCount) return 'skipped';
    return insert.enqueue(client, datum);
  },
};

const doNothing: Style = {
  name: 'on conflict do nothing',
  async enqueue(client, datum) {
    return (await insertNew(client, datum)) ? notify(client, datum) : 'skipped';
  },
};

const doUpdate: Style = {
  name: 'on conflict do update',
  async enqueue(client, datum) {
    await client.query(
      `INSERT INTO ${queue(datum)} (category, port) VALUES ($1, $2)
       ON CONFLICT (category, port) DO UPDATE SET date_added = clock_timestamp()`,
      key(datum),
    );
    return notify(client, datum);
  },
};

/** The sweep finds the entry. */
const silentInsert: Style = {
  name: 'insert without notify',
  silent: true,
  async enqueue(client, datum) {
    await client.query(`INSERT INTO ${queue(datum)} (category, port) VALUES ($1, $2)`, key(datum));
    return 'inserted';
  },
};

const silentDoNothing: Style = {
  name: 'on conflict do nothing, without notify',
  silent: true,
  enqueue: async (client, datum) => ((await insertNew(client, datum)) ? 'inserted' : 'skipped'),
};

const trigger: Style = { name: 'trigger', enqueue: async () => 'trigger' };

export const styles: Readonly<Record<Family, readonly Style[]>> = {
  plain: [insert, notExists, notExists, selectThenInsert, silentInsert],
  unique: [doNothing, doNothing, notExists, selectThenInsert, doUpdate, silentDoNothing],
  row: [trigger],
  statement: [trigger],
};

async function insertNew(client: Client, datum: Datum): Promise<boolean> {
  const { rowCount } = await client.query(
    `INSERT INTO ${queue(datum)} (category, port) VALUES ($1, $2) ON CONFLICT (category, port) DO NOTHING`,
    key(datum),
  );
  return rowCount === 1;
}

async function notify(client: Client, { family }: Datum): Promise<'inserted'> {
  await client.query(`NOTIFY ${family}_changed`);
  return 'inserted';
}

const queue = ({ family }: Datum) => `queue_${family}`;
const key = ({ category, port }: Datum) => [category, port];
