import { afterEach, describe, expect, it, vi } from 'vitest';
import { AdvisedError, withAdvice } from '../../src/postgres/advice.ts';
import { openHosts } from '../../src/postgres/hosts.ts';
import { openPool } from '../../src/postgres/pool.ts';
import { withClient } from './connection.ts';
import { testDatabase } from './test-database.ts';

const database = testDatabase();
const role = `uncached_advice_${process.pid}`;
const administrate = (sql: string) => withClient(database.config, (client) => client.query(sql));

afterEach(() => administrate(`DROP ROLE IF EXISTS ${role}`));

describe('what the operator can do when the server refuses', () => {
  it.each([
    [
      'a role of which there are too many sessions',
      `CREATE ROLE ${role} LOGIN CONNECTION LIMIT 0`,
      `6 connections and one more for each queue table: ALTER ROLE "${role}" CONNECTION LIMIT -1`,
    ],
    ['a role without LOGIN', `CREATE ROLE ${role}`, `ALTER ROLE "${role}" LOGIN`],
    ['a role that is not there', 'SELECT', `CREATE ROLE "${role}" LOGIN; GRANT uncached TO "${role}"`],
  ])('%s', async (_, sql, advice) => {
    await administrate(sql);
    const pool = openPool(openHosts([{ ...database.config, user: role }]));
    try {
      const error: unknown = await pool.query('SELECT').catch((caught) => caught);
      expect(withAdvice('Cannot connect', error).message).toContain(advice);
    } finally {
      await pool.end();
    }
  });

  it('a role that may not connect to the database', async () => {
    await administrate(
      `CREATE ROLE ${role} LOGIN; REVOKE CONNECT ON DATABASE "${database.name}" FROM PUBLIC`,
    );
    const pool = openPool(openHosts([{ ...database.config, user: role }]));
    try {
      const error: unknown = await pool.query('SELECT').catch((caught) => caught);
      const remedy = `GRANT CONNECT ON DATABASE "${database.name}" TO "${role}"`;
      expect(withAdvice('Cannot connect', error).message).toContain(remedy);
      await administrate(remedy);
      await pool.query('SELECT');
      await administrate(`REVOKE ALL ON DATABASE "${database.name}" FROM ${role}`);
    } finally {
      await pool.end();
      await administrate(`GRANT CONNECT ON DATABASE "${database.name}" TO PUBLIC`);
    }
  });
});

it('reports rows that a policy hides, with the statements that show them', async () => {
  await administrate(`CREATE ROLE ${role} LOGIN; CREATE TABLE public.hidden (); GRANT SELECT ON public.hidden TO ${role};
    ALTER TABLE public.hidden ENABLE ROW LEVEL SECURITY`);
  const pool = openPool(openHosts([{ ...database.config, user: role }]));
  try {
    const error: unknown = await pool.query('SELECT FROM public.hidden').catch((caught) => caught);
    expect(withAdvice('Cannot look', error).message).toContain(
      `ALTER TABLE "hidden" DISABLE ROW LEVEL SECURITY, or ALTER ROLE "${role}" BYPASSRLS`,
    );
    const said = 'row-level security hides its rows: ALTER TABLE hidden DISABLE ROW LEVEL SECURITY';
    expect(withAdvice('Cannot claim', new Error(said)).message).toBe(`Cannot claim: ${said}`);
  } finally {
    await pool.end();
    await administrate(`DROP OWNED BY ${role}`);
  }
});

it('names PGOPTIONS where that is wrong', async () => {
  vi.stubEnv('PGOPTIONS', '-cnothing_such=1');
  const pool = openPool(openHosts([database.config]));
  try {
    const error: unknown = await pool.query('SELECT').catch((caught) => caught);
    expect(withAdvice('Cannot connect', error).message).toBe(
      'Cannot connect: unrecognized configuration parameter "nothing_such" (correct PGOPTIONS in the environment)',
    );
  } finally {
    await pool.end();
    vi.unstubAllEnvs();
  }
});

describe('a right that is missing', () => {
  it.each([
    ['schema', 'CREATE SCHEMA shut; CREATE TABLE shut.t ()', 'SELECT FROM shut.t', 'USAGE ON SCHEMA "shut"'],
    [
      'sequence',
      'CREATE SEQUENCE public.counting',
      "SELECT nextval('public.counting')",
      'USAGE ON SEQUENCE "counting"',
    ],
    [
      'function',
      "CREATE FUNCTION public.shut() RETURNS int LANGUAGE sql AS 'SELECT 1'; REVOKE EXECUTE ON FUNCTION public.shut() FROM PUBLIC",
      'SELECT public.shut()',
      'EXECUTE ON FUNCTION "shut"',
    ],
    ['table', 'CREATE TABLE public.closed ()', 'SELECT FROM public.closed', undefined],
  ])('on a %s is told with the GRANT for it, or with who knows that', async (_, make, statement, right) => {
    await administrate(`CREATE ROLE ${role} LOGIN; ${make}`);
    const pool = openPool(openHosts([{ ...database.config, user: role }]));
    try {
      const error: unknown = await pool.query(statement).catch((caught) => caught);
      const remedy = right
        ? `GRANT ${right} TO "${role}"`
        : `"uncached check" prints the GRANT that is missing; the daemon has most by: GRANT uncached TO "${role}"; to watch with "uncached status", SELECT is enough`;
      const told = withAdvice('Cannot look', error);
      expect(told.message).toMatch(/^Cannot look: permission denied for \S+ \S+ \(.*\)$/);
      expect(told.message).toContain(`(${remedy})`);
      // The advice is not repeated when another error wraps this one.
      expect(withAdvice('Cannot work', told).message).toBe(`Cannot work: ${told.message}`);
      if (!right) return;
      await administrate(remedy);
      expect(await pool.query(statement).catch((caught: Error) => caught.message)).not.toContain('schema');
    } finally {
      await pool.end();
      await administrate(`DROP OWNED BY ${role}`);
    }
  });
});

it('names what is exhausted by the routine if messages are translated, else everything that it may be', () => {
  const exhausted = (routine: string) =>
    withAdvice(
      'Cannot connect',
      Object.assign(new Error('zu viele Verbindungen'), { code: '53300', routine }),
    ).message;
  const all = ['ALTER ROLE …', 'ALTER DATABASE …', 'max_connections'];
  const told = (routine: string) => all.filter((remedy) => exhausted(routine).includes(remedy));
  expect(told('InitializeSessionUserId')).toEqual(['ALTER ROLE …']);
  expect(told('CheckMyDatabase')).toEqual(['ALTER DATABASE …']);
  expect(told('InitProcess')).toEqual(all);
});

it('says nothing where the error says itself what to do, however deep', () => {
  const inner = withAdvice('Cannot look', new AdvisedError('it is not there: make it', '42P01'));
  expect(withAdvice('Cannot work', inner).message).toBe('Cannot work: Cannot look: it is not there: make it');
});
