import { escapeIdentifier } from 'pg';
import { asAdministrator, type Happening, pause, type Stage } from './stage.ts';

const queues = ['queue_plain', 'queue_unique', 'queue_row', 'queue_statement', 'queue_article'];
const own = ['uncached.log', 'uncached.consumer', 'uncached.failing', 'uncached.daemon'];

const on = (tables: readonly string[], statement: (table: string) => string) => (stage: Stage) =>
  asAdministrator(stage, (client) => client.query(statement(stage.random.pick(tables))));

/** A statement that waits for a lock, or is waited for: claims run into their own lock time-out of 5 s. */
const excuses = ['loop-failed'];

/** What an administrator of the database does to tables that are in use. */
export const administration: readonly Happening[] = [
  { name: 'ANALYZE', run: on([...queues, ...own, 'article'], (table) => `ANALYZE ${table}`) },
  { name: 'VACUUM', run: on([...queues, ...own], (table) => `VACUUM (ANALYZE) ${table}`) },
  { name: 'VACUUM FULL', excuses, run: on([...queues, ...own], (table) => `VACUUM FULL ${table}`) },
  { name: 'REINDEX', excuses, run: on([...queues, ...own], (table) => `REINDEX TABLE ${table}`) },
  {
    name: 'REINDEX CONCURRENTLY',
    excuses,
    run: on([...queues, ...own], (table) => `REINDEX TABLE CONCURRENTLY ${table}`),
  },
  { name: 'a column of a queue table, added and dropped', excuses, run: addColumn },
  { name: 'an index of a queue table, added and dropped', excuses, run: addIndex },
  { name: 'a queue table renamed and back within a transaction', excuses, run: rename },
  { name: 'a queue table locked for seconds', excuses, run: lock },
  { name: 'a long transaction that reads', run: readLong },
  { name: 'a long transaction that writes', run: writeLong },
  {
    name: 'a statement that changes all rows',
    run: on(['datum_statement', 'datum_row'], (table) => `UPDATE ${table} SET version = version + 1`),
  },
  {
    name: 'thousands of entries at once',
    run: on(
      ['queue_article'],
      (table) => `
      INSERT INTO ${table} (article) SELECT n % 40 + 1 FROM generate_series(1, 2000) AS n; NOTIFY article_changed`,
    ),
  },
];

async function addColumn(stage: Stage): Promise<void> {
  const [table, column] = [
    stage.random.pick(queues),
    escapeIdentifier(`note ${stage.random.below(1_000_000)}`),
  ];
  await asAdministrator(stage, (client) =>
    client.query(`ALTER TABLE ${table} ADD ${column} text DEFAULT 'a note'`),
  );
  await pause(stage, 500, 4_000);
  await asAdministrator(stage, (client) => client.query(`ALTER TABLE ${table} DROP ${column}`));
}

async function addIndex(stage: Stage): Promise<void> {
  const [table, index] = [stage.random.pick(queues), `soak_${stage.random.below(1_000_000)}`];
  await asAdministrator(stage, (client) => client.query(`CREATE INDEX ${index} ON ${table} (date_added)`));
  await pause(stage, 500, 4_000);
  await asAdministrator(stage, (client) => client.query(`DROP INDEX ${index}`));
}

async function rename(stage: Stage): Promise<void> {
  const table = stage.random.pick(queues);
  await asAdministrator(stage, async (client) => {
    await client.query(`BEGIN; ALTER TABLE ${table} RENAME TO renamed`);
    await pause(stage, 0, 1_500);
    await client.query(`ALTER TABLE renamed RENAME TO ${table}; COMMIT`);
  });
}

async function lock(stage: Stage): Promise<void> {
  const table = stage.random.pick(queues);
  await asAdministrator(stage, async (client) => {
    await client.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
    await pause(stage, 1_000, 7_000);
    await client.query('COMMIT');
  });
}

async function readLong(stage: Stage): Promise<void> {
  await asAdministrator(stage, async (client) => {
    await client.query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM article');
    await pause(stage, 5_000, 20_000);
    await client.query('COMMIT');
  });
}

async function writeLong(stage: Stage): Promise<void> {
  const id = 1 + stage.random.below(40);
  await asAdministrator(stage, async (client) => {
    await client.query(`BEGIN; UPDATE article SET version = version + 1 WHERE id = ${id}`);
    await pause(stage, 2_000, 12_000);
    await client.query('COMMIT');
  });
}
