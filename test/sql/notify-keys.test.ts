import { describe, expect, test } from 'vitest';
import { attach, levels } from './attach.ts';
import { describeNotifying } from './notify-world.ts';

describeNotifying('the keys of a transaction', (world) => {
  const { missing } = world;

  describe.each(levels)('for each %s', (level) => {
    const ports = async (unique = 'port') => {
      await world.made('port text', unique);
      await world.client.query('CREATE TABLE source (id int, port text, version int)');
      await attach(world.client, level, 'source', ['public.q', 'Changed', 'port']);
    };
    const key = (port: unknown) => JSON.stringify({ port }).replace(':', ': ');
    const keys = (from: number, to: number) =>
      Array.from({ length: to - from + 1 }, (_, at) => key(`p${from + at}`));
    const add = (from: number, to: number) =>
      `INSERT INTO source SELECT i, 'p' || i, 1 FROM generate_series(${from}, ${to}) AS i`;

    test.skipIf(missing)('an update has both keys, and a deletion the old one', async () => {
      await ports();
      await world.client.query(add(1, 2));
      expect((await world.heard(`UPDATE source SET port = 'x' WHERE id = 1`)).sort()).toEqual([
        key('p1'),
        key('x'),
      ]);
      expect(await world.heard('UPDATE source SET version = 2 WHERE id = 2')).toEqual([key('p2')]);
      expect(await world.heard('DELETE FROM source WHERE id = 1')).toEqual([key('x')]);
      expect(await world.heard('DELETE FROM source WHERE id = 1')).toEqual([]);
    });

    test.skipIf(missing).each(['port', ''])(
      '100 are notified, and 101 are anything (UNIQUE: %s)',
      async (unique) => {
        await ports(unique);
        expect((await world.heard(add(1, 100))).sort()).toEqual(keys(1, 100).sort());
        const more = await world.heard(`BEGIN; ${add(101, 201)}; ${add(202, 203)}; COMMIT`);
        expect(more.at(-1)).toBe('');
        expect(more.length).toBe(level === 'row' ? 101 : 1);
        const inPieces = await world.heard(`BEGIN; ${add(1, 60)}; ${add(61, 101)}; COMMIT`);
        expect(inPieces).toEqual([...inPieces.slice(0, -1), '']);
        expect(keys(1, 101)).toEqual(expect.arrayContaining(inPieces.slice(0, -1)));
      },
    );

    test.skipIf(missing)('the same key counts once, and a hundred times a hundred do', async () => {
      await ports();
      await world.client.query(add(1, 100));
      const update = 'UPDATE source SET version = version + 1;';
      expect((await world.heard(`BEGIN; ${update.repeat(5)} COMMIT`)).sort()).toEqual(keys(1, 100).sort());
      const all = await world.heard(`BEGIN; ${update.repeat(2)} ${add(101, 101)}; COMMIT`);
      expect(all.sort()).toEqual(['', ...keys(1, 100)].sort());
    });

    test.skipIf(missing)('counts each channel apart', async () => {
      await ports();
      await world.client.query('CREATE TABLE other (id int, port text, version int)');
      await attach(world.client, level, 'other', ['public.q', 'other', 'port']);
      const statements = `BEGIN; ${add(1, 150)}; ${add(1, 3).replace('source', 'other')}; COMMIT`;
      expect(await world.heard(statements, 'other')).toEqual(keys(1, 3));
      await world.client.query('DROP TABLE other');
    });

    test.skipIf(missing)('a savepoint that is rolled back takes its keys and its count with it', async () => {
      await ports();
      const [before, within, after] = [add(1, 60), add(61, 120), add(61, 100)];
      const all = await world.heard(
        `BEGIN; ${before}; SAVEPOINT s; ${within}; ROLLBACK TO s; ${after}; COMMIT`,
      );
      expect(all.sort()).toEqual(keys(1, 100).sort());
      const over = await world.heard(
        `BEGIN; ${before}; SAVEPOINT s; ${within}; ROLLBACK TO s; ${after}; ${add(101, 101)}; COMMIT`,
      );
      expect(over.sort()).toEqual(['', ...keys(1, 100)].sort());
      const again = await world.heard(
        `BEGIN; SAVEPOINT s; ${add(1, 1)}; ROLLBACK TO s; ${add(1, 1)}; COMMIT`,
      );
      expect(again).toEqual([key('p1')]);
      const released = await world.heard(
        `BEGIN; SAVEPOINT s; ${add(1, 99)}; RELEASE s; ${add(100, 101)}; COMMIT`,
      );
      expect(released.at(-1)).toBe('');
      expect(await world.heard(`BEGIN; SAVEPOINT s; ${add(1, 500)}; ROLLBACK TO s; COMMIT`)).toEqual([]);
    });

    test.skipIf(missing)('the next transaction counts from the beginning', async () => {
      await ports();
      expect((await world.heard(add(1, 101))).at(-1)).toBe('');
      expect(await world.heard(add(1, 1))).toEqual([key('p1')]);
    });

    test.skipIf(missing).each(['*', '%', '1', 'x'.repeat(5000), `'; DROP TABLE q; --`, '-1', '1e400'])(
      'a session that forges what is remembered, as %s, only makes more or less exact notifications',
      async (forged) => {
        await ports();
        const { rows } = await world.client.query(`SELECT uncached.notified_setting('changed') AS name`);
        const quoted = `'${forged.replaceAll("'", "''")}'`;
        const [payload] = await world.heard(`SET ${rows[0].name} = ${quoted}; ${add(1, 1)}`);
        expect([key('p1'), '']).toContain(payload);
        const ids = await world.client.query(`SELECT 'source'::regclass::oid AS s, 'q'::regclass::oid AS q`);
        for (const form of [forged, 'folding', `folding ${forged} port %1$sport`, 'folding  port %1$sport']) {
          await world.client.query(
            `SET uncached.checked_${ids.rows[0].s}_${ids.rows[0].q} = '${form.replaceAll("'", "''")}'`,
          );
          expect(await world.heard(add(2, 2))).toHaveLength(1);
        }
      },
    );

    test.skipIf(missing)('a key is notified also where a forged setting says that it was', async () => {
      await ports();
      const { rows } = await world.client.query(`SELECT uncached.notified_setting('changed') AS name`);
      await world.client.query(`BEGIN; ${add(1, 1)}`);
      const remembered = await world.client.query(`SELECT current_setting('${rows[0].name}') AS hashes`);
      await world.client.query(`ROLLBACK; SET ${rows[0].name} = '${remembered.rows[0].hashes}'`);
      expect(remembered.rows[0].hashes).toMatch(/^[0-9a-f]{16} $/);
      expect(await world.heard(add(1, 1))).toEqual([key('p1')]);
    });

    test.skipIf(missing)('a key that leaves no room is anything', async () => {
      await ports('');
      const fits = `INSERT INTO source VALUES (1, repeat('x', ${7900 - key('').length}), 1)`;
      expect(await world.heard(fits)).toEqual([key('x'.repeat(7900 - key('').length))]);
      expect(await world.heard(fits.replace('repeat(', `'x' || repeat(`))).toEqual(['']);
      expect(await world.heard(`INSERT INTO source VALUES (1, repeat('é', 4000), 1)`)).toEqual(['']);
    });
  });
});
