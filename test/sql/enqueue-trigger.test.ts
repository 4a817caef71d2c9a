import { describe, expect, test } from 'vitest';
import { attach, levels } from './attach.ts';
import { client, complaintOf, insert } from './enqueue-errors.ts';

describe('uncached.enqueue() refuses', () => {
  test('TRUNCATE, which has no keys', async () => {
    await client.query(`
      CREATE TRIGGER emptied AFTER TRUNCATE ON source
        EXECUTE FUNCTION uncached.enqueue('cache_clearing_ports', 'port_updated', 'category', 'port')`);
    expect(await complaintOf('TRUNCATE source')).toEqual({
      code: '0A000',
      message: 'Cannot enqueue from trigger emptied: TRUNCATE does not tell which rows it removes',
      hint: "Use DELETE, or drop the trigger's TRUNCATE and clear the pages by hand.",
    });
  });

  test('a BEFORE trigger, whose change may never come', async () => {
    await client.query(`
      CREATE TRIGGER early BEFORE INSERT ON source FOR EACH ROW
        EXECUTE FUNCTION uncached.enqueue('cache_clearing_ports', 'port_updated', 'category', 'port')`);
    expect(await complaintOf(insert)).toMatchObject({
      code: '39P01',
      message: 'Cannot enqueue from trigger early: it is BEFORE, not AFTER',
    });
  });

  test.each([
    ['INSERT', '', insert, 'NEW TABLE AS new_rows'],
    ['UPDATE', '', 'UPDATE source SET port = port', 'OLD TABLE AS old_rows NEW TABLE AS new_rows'],
    [
      'UPDATE',
      'REFERENCING NEW TABLE AS new_rows',
      'UPDATE source SET port = port',
      'OLD TABLE AS old_rows NEW TABLE AS new_rows',
    ],
    [
      'UPDATE',
      'REFERENCING OLD TABLE AS old_rows',
      'UPDATE source SET port = port',
      'OLD TABLE AS old_rows NEW TABLE AS new_rows',
    ],
    ['DELETE', '', 'DELETE FROM source', 'OLD TABLE AS old_rows'],
  ])('a statement-level trigger for %s with %o', async (event, referencing, statement, wanted) => {
    await client.query(`
      CREATE TRIGGER blind AFTER ${event} ON source ${referencing} FOR EACH STATEMENT
        EXECUTE FUNCTION uncached.enqueue('cache_clearing_ports', 'port_updated', 'category', 'port')`);
    expect(await complaintOf(statement)).toEqual({
      code: '39P01',
      message: 'Cannot enqueue from trigger blind: it does not name its transition tables',
      hint: `Make it FOR EACH ROW, or add REFERENCING ${wanted}.`,
    });
  });
});

describe.each(levels)('uncached.enqueue() for each %s refuses', (level) => {
  test('too few arguments', async () => {
    await attach(client, level, 'source', ['cache_clearing_ports', 'port_updated']);
    expect(await complaintOf(insert)).toMatchObject({
      code: '39P01',
      message: expect.stringMatching(/^Cannot enqueue from trigger enqueue\w*: it has too few arguments$/),
      hint: expect.stringContaining('the queue table, the channel and at least one key column'),
    });
  });

  test('a queue table that does not exist', async () => {
    await attach(client, level, 'source', ['cache_clearing_prots', 'port_updated', 'category', 'port']);
    expect(await complaintOf(insert)).toEqual({
      code: '42P01',
      message: expect.stringMatching(/: there is no queue table cache_clearing_prots$/),
      hint: 'Name the queue table with its schema.',
    });
  });

  test('a column that the queue table does not have', async () => {
    await attach(client, level, 'source', ['cache_clearing_files', 'file_updated', 'Pathname', 'port']);
    expect(await complaintOf(insert)).toEqual({
      code: '42703',
      message: 'Cannot enqueue into public.cache_clearing_files: it has no column port',
      hint: 'Where the names differ, write queue_column=source_column.',
    });
  });

  test('a column that the source does not have', async () => {
    await attach(client, level, 'source', ['cache_clearing_files', 'file_updated', 'pathname=path']);
    expect(await complaintOf(insert)).toMatchObject({
      code: '42703',
      message: expect.stringContaining('"path"'),
    });
  });

  test.each(['source.category', 'a.b=c', 'a=b.c', '"a', '=a', 'a=', ''])(
    '%o for a key column',
    async (argument) => {
      await attach(client, level, 'source', ['cache_clearing_files', 'file_updated', argument]);
      expect(await complaintOf(insert)).toEqual({
        code: '39P01',
        message: expect.stringMatching(/^Cannot enqueue from trigger enqueue\w*: .* is not a key column$/),
        hint: 'Write column, or queue_column=source_column.',
      });
    },
  );
});
