import type { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Key } from '../../src/core/contracts.ts';
import { Refusal } from '../../src/core/dependents.ts';
import { openDependents } from '../../src/postgres/ask-dependents.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openAskingPool, type Pool } from '../../src/postgres/pool.ts';
import { connect } from '../sql/connect.ts';
import { patient } from './patient.ts';
import { testDatabase } from './test-database.ts';

/** A role that may read the graph by the functions alone. */
const user = 'uncached_asking';
const database = testDatabase();
let client: Client;
let pool: Pool;

beforeAll(async () => {
  client = await connect(database.config);
  await client.query(`
    DROP ROLE IF EXISTS ${user};
    CREATE ROLE ${user} LOGIN;
    CREATE TABLE link (base text, page text, nr int, flag boolean, code char(4));
    INSERT INTO link VALUES ('a', 'a1', 1, true, 'x'), ('a', 'a2', 2, false, NULL), ('a', 'a2', 0, false, NULL), ('b', 'b1', 3, NULL, 'yy');
    CREATE FUNCTION pages(base text) RETURNS TABLE (page text) LANGUAGE sql STABLE SECURITY DEFINER
      SET search_path = public, pg_temp AS $$ SELECT page FROM link WHERE link.base = $1 $$;
    CREATE FUNCTION typed(nr int, page text DEFAULT 'all') RETURNS SETOF link LANGUAGE sql STABLE SECURITY DEFINER
      SET search_path = public, pg_temp AS $$ SELECT * FROM link WHERE link.nr >= $1 ORDER BY nr $$;
    CREATE FUNCTION many(base text) RETURNS TABLE (page text) LANGUAGE sql STABLE
      AS $$ SELECT format('%s-%s', base, i) FROM generate_series(1, base::int) AS i $$;
    CREATE FUNCTION large(base text) RETURNS TABLE (page text) LANGUAGE sql STABLE
      AS $$ SELECT lpad(i::text, CASE base WHEN '1' THEN 20000 ELSE 7000 END) FROM generate_series(1, base::int) AS i $$;
    CREATE FUNCTION bad(base text) RETURNS TABLE (page text) LANGUAGE plpgsql STABLE
      AS $$ BEGIN IF base = 'bad' THEN RAISE 'no such base: %', base; END IF; page := base; RETURN NEXT; END $$;
    CREATE FUNCTION writes(base text) RETURNS TABLE (page text) LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp
      AS $$ BEGIN DELETE FROM link; RETURN; END $$;
    CREATE FUNCTION lost(base text) RETURNS TABLE (page text) LANGUAGE plpgsql STABLE AS $$ BEGIN RETURN QUERY SELECT link.page FROM link; END $$;
    CREATE FUNCTION invoker(base text) RETURNS TABLE (page text) LANGUAGE sql STABLE SET search_path = public, pg_temp
      AS $$ SELECT page FROM link $$;
    CREATE FUNCTION private(base text) RETURNS TABLE (page text) LANGUAGE sql STABLE AS $$ SELECT base $$;
    REVOKE EXECUTE ON FUNCTION private(text) FROM PUBLIC;
    CREATE FUNCTION nameless(base text) RETURNS SETOF text LANGUAGE sql STABLE AS $$ SELECT base $$;
    CREATE FUNCTION twice(base text) RETURNS TABLE (page text) LANGUAGE sql STABLE AS $$ SELECT base $$;
    CREATE FUNCTION twice(base int) RETURNS TABLE (page text) LANGUAGE sql STABLE AS $$ SELECT base::text $$;
    CREATE FUNCTION slow(base text) RETURNS TABLE (page text) LANGUAGE plpgsql STABLE AS $$ BEGIN PERFORM pg_sleep(60); END $$;
    CREATE SCHEMA other;
    CREATE FUNCTION other.away(base text) RETURNS TABLE (page text) LANGUAGE sql STABLE AS $$ SELECT base $$;
    GRANT USAGE ON SCHEMA public TO ${user}`);
  pool = openAskingPool(openHosts([{ ...database.config, user }], { ...patient, lockMs: 1_000 }));
});
afterAll(async () => {
  await pool.end();
  await client.query(`DROP OWNED BY ${user}; DROP ROLE ${user}`);
  await client.end();
});

/** What depends on values of the columns, given in order. */
function ask(
  name: string,
  values: readonly (string | null | readonly (string | null)[])[],
  { columns = ['base'], named = ['page'], most = 100 } = {},
) {
  const keys = values.map((value): Key => {
    const texts: readonly (string | null)[] = typeof value === 'string' || value === null ? [value] : value;
    return Object.fromEntries(columns.map((column, at) => [column, texts[at] ?? null]));
  });
  return openDependents(pool, user)({ call: { name, columns }, queue: undefined, named }, keys, most);
}

const pages = (answer: (readonly Key[])[] | undefined) =>
  answer?.map((keys) => keys.map(({ page }) => page).sort());

async function refusal(...given: Parameters<typeof ask>): Promise<Refusal> {
  const error = await ask(...given).catch((thrown) => thrown);
  expect(error).toBeInstanceOf(Refusal);
  return error;
}

describe('what depends on keys', () => {
  it('is told key by key, in their order', async () => {
    expect(pages(await ask('pages', ['b', 'none', 'a', 'a', null]))).toEqual([
      ['b1'],
      [],
      ['a1', 'a2', 'a2'],
      ['a1', 'a2', 'a2'],
      [],
    ]);
  });

  it('is asked of a function in its schema', async () => {
    expect(pages(await ask('public.pages', ['b']))).toEqual([['b1']]);
  });

  it('has the texts that the columns of a queue table would have, and only columns that lines name', async () => {
    expect(
      await ask('typed', ['2'], { columns: ['nr'], named: ['nr', 'flag', 'code', 'unrelated'].slice(0, 3) }),
    ).toEqual([
      [
        { nr: '2', flag: 'false', code: null },
        { nr: '3', flag: null, code: 'yy' },
      ],
    ]);
  });

  it('has every column where no line names one', async () => {
    expect(await ask('typed', [['3', 'x']], { columns: ['nr', 'page'], named: [] })).toEqual([
      [{ base: 'b', page: 'b1', nr: '3', flag: null, code: 'yy' }],
    ]);
  });

  it('is what was committed before the question', async () => {
    const dependents = openDependents(pool, user);
    const expand = { call: { name: 'pages', columns: ['base'] }, queue: undefined, named: ['page'] };
    for (const page of ['new1', 'new2']) {
      await client.query(`INSERT INTO link VALUES ('fresh', $1)`, [page]);
      expect(pages(await dependents(expand, [{ base: 'fresh' }], 100))?.[0]).toContain(page);
    }
  });

  it('is undefined beyond the limit, which counts all keys together', async () => {
    expect(pages(await ask('many', ['50', '50']))?.map(({ length }) => length)).toEqual([50, 50]);
    expect(await ask('many', ['50', '51'])).toBeUndefined();
    expect(await ask('many', ['2000000'])).toBeUndefined();
  });

  it('is undefined where the answer would fill the memory, and each value is bounded', async () => {
    const [few] = (await ask('large', ['1'])) ?? [];
    expect(few?.[0]?.page?.length).toBeLessThan(9_000);
    expect(await ask('large', ['5000'], { most: 100_000 })).toBeUndefined();
  });
});

describe('refuses', () => {
  it('for one of the keys, in the words of the database', async () => {
    const refused = await refusal('bad', ['fine', 'bad']);
    expect(refused).toMatchObject({ always: false, message: 'expand = bad(base): no such base: bad' });
    expect(await refusal('typed', ['1', 'x'], { columns: ['nr'] })).toMatchObject({
      always: false,
      message: 'expand = typed(nr): invalid input syntax for type integer: "x"',
    });
  });

  it.each<[string, string, RegExp]>([
    ['that is missing', 'page', /there is no such function, did you mean "pages"\?/],
    ['in another schema', 'away', /there is one in schema other: write other\.away/],
    [
      'whose schema may not be used',
      'other.away',
      /lacks USAGE on its schema: GRANT USAGE ON SCHEMA other TO "uncached_asking"/,
    ],
    [
      'that may not be executed',
      'private',
      /lacks EXECUTE: GRANT EXECUTE ON FUNCTION public\.private\(text\) TO "uncached_asking"/,
    ],
    ['whose columns have no names', 'nameless', /RETURNS TABLE \(column type, …\)/],
    ['of which there are two', 'twice', /public\.twice\(text\) and public\.twice\(integer\) both fit/],
    [
      'that relies on a search_path',
      'lost',
      /relation "link" does not exist \(.*ALTER FUNCTION public\.lost\(text\) SET search_path = public, pg_temp\)/,
    ],
    [
      'that reads what the role may not',
      'invoker',
      /permission denied for table link \(GRANT SELECT on what it reads to "uncached_asking", or ALTER FUNCTION public\.invoker\(text\) SECURITY DEFINER/,
    ],
  ])('a function %s', async (_what, name, message) => {
    expect((await refusal(name, ['x'])).message).toMatch(message);
  });

  it('a function that takes too long', async () => {
    const hosts = openHosts([{ ...database.config, user }], { ...patient, statementMs: 500 });
    const hasty = openAskingPool(hosts);
    const expand = { call: { name: 'slow', columns: ['base'] }, queue: undefined, named: [] };
    const error = await openDependents(hasty, user)(expand, [{ base: 'x' }], 1).catch((thrown) => thrown);
    await hasty.end();
    expect(error).toBeInstanceOf(Refusal);
    expect(error.message).toMatch(/statement timeout \(it takes too long/);
  });

  it('a number of arguments that it does not take', async () => {
    const { message } = await refusal('pages', [['x', 'y']], { columns: ['base', 'page'] });
    expect(message).toMatch(/public\.pages\(text\) does not take 2 arguments/);
  });

  it('a line with a column that nobody has', async () => {
    const { message, always } = await refusal('pages', ['x'], { named: ['page', 'pag'] });
    expect(always).toBe(true);
    expect(message).toMatch(/names the column "pag".*did you mean "page"\?.*it returns page/);
  });

  it('a function that writes, even if it is VOLATILE', async () => {
    expect((await refusal('writes', ['x'])).message).toMatch(/read-only transaction \(it may only read/);
    const { rows } = await client.query(`SELECT count(*)::int AS links FROM link WHERE base IN ('a', 'b')`);
    expect(rows).toEqual([{ links: 4 }]);
  });

  it('every key alike where no key would do, which is known at once', async () => {
    expect((await refusal('invoker', ['a', 'b'])).always).toBe(true);
    await client.query('BEGIN; LOCK TABLE link');
    try {
      expect(await refusal('pages', ['a', 'b'])).toMatchObject({
        always: true,
        message: expect.stringMatching(/somebody holds a lock/),
      });
    } finally {
      await client.query('ROLLBACK');
    }
  });
});

it('goes on when the function has been replaced', async () => {
  const dependents = openDependents(pool, user);
  const expand = { call: { name: 'later', columns: ['base'] }, queue: undefined, named: ['page'] };
  const make = (body: string) =>
    client.query(
      `DROP FUNCTION IF EXISTS later(text); CREATE FUNCTION later(base text) RETURNS TABLE (${body.split('|')[0]}) LANGUAGE sql STABLE AS $$ ${body.split('|')[1]} $$`,
    );
  await expect(dependents(expand, [{ base: 'x' }], 9)).rejects.toThrow(Refusal);
  await make('page text|SELECT base');
  expect(await dependents(expand, [{ base: 'x' }], 9)).toEqual([[{ page: 'x' }]]);
  await make('nr int, page int|SELECT 1, 2');
  expect(await dependents(expand, [{ base: 'x' }], 9)).toEqual([[{ page: '2' }]]);
});
