import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { assessAll } from '../../src/cli/status.ts';
import { statusConnections } from '../../src/postgres/connection-count.ts';
import { iniFor } from '../site.ts';
import { connect } from '../sql/connect.ts';
import { uncached } from '../uncached.ts';
import { untilAwaited } from './sessions.ts';
import { client, database, site } from './site-and-database.ts';

/** The usual time-out of a monitor. */
const monitorMs = 10_000;

const names = Array.from({ length: 20 }, (_, nth) => `queue_${nth}`);
const handlers = names
  .map((name, nth) => `[handler.handler_${nth}]\nqueue = ${name}\nclear[] = pages/{slug}/${nth}`)
  .join('\n');

let role: string;
let roles = 0;
let file: string;
let locker: Awaited<ReturnType<typeof connect>>;

beforeAll(async () => {
  for (const name of names)
    await client.query(`
      CREATE TABLE ${name} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, slug text,
        date_added timestamptz NOT NULL DEFAULT clock_timestamp());
      GRANT SELECT, DELETE ON ${name} TO uncached;
      INSERT INTO ${name} (slug) VALUES ('a')`);
});
/**
 * A role for each test, because the server ends sessions a while after their client. A third session is
 * refused.
 */
beforeEach(async () => {
  roles += 1;
  role = `${database.name}_few_${roles}`;
  await client.query(
    `CREATE ROLE ${role} LOGIN CONNECTION LIMIT ${statusConnections}; GRANT uncached TO ${role}`,
  );
  file = site.configure(iniFor(site, { ...database.config, user: role }, { handlers }));
  locker = await connect(database.config);
});
afterEach(async () => {
  await locker.end();
  await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
});

interface Report {
  readonly problems: readonly { readonly text: string }[];
  readonly handlers: readonly { readonly backlog: number | null; readonly problem: string | null }[];
}

async function status(): Promise<Report> {
  return JSON.parse((await assessAll(() => file, { json: true, warning: '1h', critical: '2h' })).text);
}

/**
 * The result, and how long a monitor has waited for it. That is counted in time-outs for a lock of queue_0:
 * where this process or the server is slow, these are slow, too.
 */
async function monitored<Result>(work: Promise<Result>): Promise<{ result: Result; waitedMs: number }> {
  const timeOutMs = 100;
  let isOver = false;
  const end = () => {
    isOver = true;
  };
  const countTimeOuts = async () => {
    const session = await connect(database.config);
    try {
      await session.query(`SET lock_timeout = ${timeOutMs}`);
      let count = 0;
      for (; !isOver; count += 1)
        await expect(session.query('TABLE queue_0')).rejects.toMatchObject({ code: '55P03' });
      return count;
    } finally {
      await session.end();
    }
  };
  const [result, count] = await Promise.all([work.finally(end), countTimeOuts()]);
  return { result, waitedMs: count * timeOutMs };
}

const noDaemon = /^no daemon is connected: start it$/;

it('status needs two connections for twenty handlers', async () => {
  const { problems, handlers: counted } = await status();
  expect(problems).toEqual([{ level: 'critical', kind: 'daemon', text: expect.stringMatching(noDaemon) }]);
  expect(counted.map(({ backlog }) => backlog)).toEqual(names.map(() => 1));
});

it('status reports every locked table, and counts the others, before a monitor gives up', async () => {
  const locked = [...names.slice(0, 10), 'uncached.log', 'uncached.daemon'];
  await locker.query(`BEGIN; LOCK TABLE ${locked.join(', ')} IN ACCESS EXCLUSIVE MODE`);
  const { result, waitedMs } = await monitored(status());
  expect(waitedMs).toBeLessThan(monitorMs);
  const { problems, handlers: counted } = result;
  expect(counted.map(({ backlog }) => backlog)).toEqual(names.map((_, nth) => (nth < 10 ? null : 1)));
  const texts = problems.map(({ text }) => text);
  expect(texts[0]).toMatch(noDaemon);
  for (const name of ['the log', 'uncached.consumer', ...names.slice(0, 10)])
    expect(texts).toContainEqual(expect.stringMatching(new RegExp(`Cannot .* ${name}: .* lock timeout`)));
});

it('status waits for a table that is locked for a moment', async () => {
  await locker.query('BEGIN; LOCK TABLE queue_0, uncached.log IN ACCESS EXCLUSIVE MODE');
  const [{ problems, handlers: counted }] = await Promise.all([
    status(),
    locker.query(`${untilAwaited('queue_0')} COMMIT`),
  ]);
  expect(problems).toHaveLength(1);
  expect(counted[0]).toMatchObject({ backlog: 1, problem: null });
});

it('check reports that a daemon needs more connections than its role or the database allows', async () => {
  await client.query(`ALTER DATABASE "${database.name}" CONNECTION LIMIT 25`);
  const { code, stdout } = await uncached(['--config', file, 'check']);
  await client.query(`ALTER DATABASE "${database.name}" CONNECTION LIMIT -1`);
  expect(code).toBe(1);
  const needs = (limit: number) =>
    `has a CONNECTION LIMIT of ${limit}, and a daemon with this configuration holds up to 26 connections`;
  expect(stdout).toContain(
    `role ${role} ${needs(2)}: ALTER ROLE "${role}" CONNECTION LIMIT -1, which is none, or more\n`,
  );
  expect(stdout).toContain(`database ${database.name} ${needs(25)}: ALTER DATABASE "${database.name}" `);
  await client.query(`ALTER ROLE ${role} CONNECTION LIMIT 26`);
  expect((await uncached(['--config', file, 'check'])).stdout).not.toContain('CONNECTION LIMIT');
});

it.each([['check'], ['explain', 'pages/a/0']])('%s needs two connections', async (...args) => {
  const { stdout, stderr } = await uncached(['--config', file, ...args]);
  expect(stdout).toMatch(args.length > 1 ? /1 entry names it/ : /^\d+ problems/m);
  expect(`${stdout}${stderr}`).not.toContain('too many connections');
});
