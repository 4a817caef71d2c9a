import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { attachNotify, levels } from './attach.ts';
import { client, complaintOf, insert } from './enqueue-errors.ts';
import { notificationsOf } from './notifications.ts';

const heard = async (statements: string, channel = 'changed') =>
  (await notificationsOf(client, channel, () => client.query(statements)))
    .map(({ payload }) => payload)
    .sort();
const key = (port: string | null) => JSON.stringify({ name: port }).replace(':', ': ');

afterEach(() => client.query('ROLLBACK; RESET ROLE'));

describe.each(levels)('uncached.notify() for each %s', (level) => {
  beforeEach(() => attachNotify(client, level, 'source', ['Changed', 'name=port']));

  test('notifies the channel of the old key and the new one, without any queue', async () => {
    expect(await heard(insert)).toEqual([key('nginx')]);
    expect(await heard(`UPDATE source SET port = 'exim'`)).toEqual([key('exim'), key('nginx')].sort());
    expect(await heard('UPDATE source SET port = NULL')).toEqual([key('exim'), key(null)].sort());
    expect(await heard('DELETE FROM source')).toEqual([key(null)]);
  });

  test('is silent where no row is touched', async () => {
    expect(await heard('UPDATE source SET port = port WHERE false')).toEqual([]);
  });

  test('is anything for TRUNCATE, and after it', async () => {
    expect(await heard('TRUNCATE source')).toEqual(['']);
    expect(await heard(`BEGIN; TRUNCATE source; ${insert}; COMMIT`)).toEqual(['']);
  });

  test('is anything beyond 100 keys, of which a thousand rows may have few', async () => {
    const rows = (distinct: number) =>
      `INSERT INTO source (port) SELECT 'p' || i % ${distinct} FROM generate_series(1, 1000) AS i`;
    const keys = Array.from({ length: 100 }, (_, at) => key(`p${at}`));
    expect(await heard(rows(100))).toEqual(keys.sort());
    expect((await heard(rows(101))).includes('')).toBe(true);
    const late = `INSERT INTO source (port) SELECT 'p' || greatest(i, 900) FROM generate_series(1, 1000) AS i`;
    expect((await heard(late)).includes('')).toBe(true);
  });

  test('counts together with other triggers of the channel', async () => {
    await client.query('CREATE TABLE other (port text)');
    await attachNotify(client, level, 'other', ['changed', 'other=port']);
    const fill = (table: string, rows: number) =>
      `INSERT INTO ${table} (port) SELECT i FROM generate_series(1, ${rows}) AS i`;
    expect(await heard(`BEGIN; ${fill('source', 50)}; ${fill('other', 50)}; COMMIT`)).toHaveLength(100);
    expect(await heard(`BEGIN; ${fill('source', 50)}; ${fill('other', 51)}; COMMIT`)).toContain('');
  });

  test('needs no right but that on the table', async () => {
    const role = `notify_${process.pid}`;
    await client.query(`
      CREATE ROLE ${role};
      GRANT USAGE ON SCHEMA scratch TO ${role};
      GRANT INSERT ON source TO ${role};
      SET ROLE ${role}`);
    try {
      expect(await heard(insert)).toEqual([key('nginx')]);
    } finally {
      await client.query(`RESET ROLE; DROP OWNED BY ${role}; DROP ROLE ${role}`);
    }
  });
});

describe('uncached.notify() refuses', () => {
  const trigger = (when: string, args: string) =>
    client.query(
      `CREATE TRIGGER wrong ${when} INSERT ON source FOR EACH ROW EXECUTE FUNCTION uncached.notify(${args})`,
    );

  test.each([
    ['BEFORE', `'changed', 'port'`, 'it is BEFORE, not AFTER', undefined],
    [
      'AFTER',
      `'changed'`,
      'it has too few arguments',
      `They are the channel and at least one key column: uncached.notify('article_updated', 'section', 'slug=name').`,
    ],
    ['AFTER', `'changed', 'a.b'`, 'a.b is not a key column', 'Write column, or name=column.'],
    ['AFTER', `'changed', '=port'`, '=port is not a key column', 'Write column, or name=column.'],
    [
      'AFTER',
      `'', 'port'`,
      'its channel is empty',
      'Name the channel, or drop the trigger: there is nobody to notify.',
    ],
  ])('%s %s', async (when, args, problem, hint) => {
    await trigger(when, args);
    expect(await complaintOf(insert)).toEqual({
      code: '39P01',
      message: `Cannot notify from trigger wrong: ${problem}`,
      hint,
    });
  });

  test('a column that the table does not have', async () => {
    await trigger('AFTER', `'changed', 'name=ports'`);
    expect(await complaintOf(insert)).toMatchObject({
      code: '42703',
      message: 'Cannot enqueue or notify from scratch.source: it has no column "ports"',
    });
  });

  test.each([
    ['INSERT', insert, ' NEW TABLE AS new_rows'],
    ['UPDATE', 'UPDATE source SET port = port', ' OLD TABLE AS old_rows NEW TABLE AS new_rows'],
    ['DELETE', 'DELETE FROM source', ' OLD TABLE AS old_rows'],
  ])('a statement-level trigger for %s without its transition tables', async (event, statement, wanted) => {
    await client.query(`
      CREATE TRIGGER blind AFTER ${event} ON source FOR EACH STATEMENT
        EXECUTE FUNCTION uncached.notify('changed', 'port')`);
    expect(await complaintOf(statement)).toEqual({
      code: '39P01',
      message: 'Cannot notify from trigger blind: it does not name its transition tables',
      hint: `Make it FOR EACH ROW, or add REFERENCING${wanted}.`,
    });
  });
});
