import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { testDatabase } from '../../postgres/test-database.ts';
import { iniFor, makeSite, type Site } from '../../site.ts';
import { uncached } from '../../uncached.ts';
import { checkHere } from '../command-here.ts';
import { expectNamed } from './table.ts';

/**
 * A mistake with a queue table of its own, `queue`. Its handler has the table's name, and its channel is
 * `…_updated`.
 */
interface Planted {
  /** The key columns. */
  readonly columns?: string;
  readonly sql?: (queue: string) => string;
  readonly clear?: string;
  /** Additional configuration. */
  readonly more?: (queue: string) => string;
}

const attach = (table: string, args: readonly string[], of = '') => `
  CREATE TABLE ${table} (slug text, day date, body text);
  CREATE TRIGGER clear_cache AFTER INSERT OR UPDATE${of} OR DELETE ON ${table} FOR EACH ROW
    EXECUTE FUNCTION uncached.enqueue(${args.map((arg) => `'${arg}'`).join(', ')});`;
const write = (table: string, body: string) => `
  CREATE TABLE ${table} (slug text, body text);
  CREATE FUNCTION tell_${table}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN ${body}; RETURN NULL; END $$;
  CREATE TRIGGER tell AFTER INSERT OR UPDATE ON ${table} FOR EACH ROW EXECUTE FUNCTION tell_${table}();`;

const planted: Readonly<Record<string, Planted>> = {
  'The role of the daemon lacks a right': { sql: (queue) => `REVOKE DELETE ON ${queue} FROM uncached` },
  'The role of the daemon lacks USAGE on a schema': {
    sql: () => 'CREATE SCHEMA hidden; CREATE TABLE hidden.entries (slug text)',
    more: () => '[handler.hidden]\nqueue = hidden.entries\nclear[] = articles/{slug}.md\n',
  },
  'Row-level security is on for a queue table': {
    sql: (queue) => `ALTER TABLE ${queue} ENABLE ROW LEVEL SECURITY`,
  },
  'A queue table is published and has no replica identity': {
    sql: (queue) =>
      `ALTER TABLE ${queue} DROP CONSTRAINT ${queue}_pkey; SET client_min_messages = error; CREATE PUBLICATION standby FOR TABLE ${queue}`,
  },
  'Two handlers have one queue table, by two spellings': {
    more: (queue) => `[handler.again]\nqueue = public.${queue}\nclear[] = articles/{slug}.txt\n`,
  },
  'A template names a column that the queue table has not': { clear: 'articles/{sulg}.html' },
  'A template names a directory that is not there': { clear: 'aticles/{slug}.html' },
  'A date format for a column that is text': { columns: 'day text', clear: 'articles/{day:%Y}.html' },
  'A date format for a column that is no date': { columns: 'year integer', clear: 'articles/{year:%Y}.html' },
  'A queue table has no date_added': { sql: (queue) => `ALTER TABLE ${queue} DROP date_added` },
  'date_added is of type time, or of another that is no date': {
    sql: (queue) => `ALTER TABLE ${queue} DROP date_added, ADD date_added time DEFAULT now()`,
  },
  'date_added has no default': {
    sql: (queue) => `ALTER TABLE ${queue} ALTER date_added DROP DEFAULT, ALTER date_added DROP NOT NULL`,
  },
  'The clock or the TimeZone of the program that writes date_added is wrong': {
    sql: (queue) => `INSERT INTO ${queue} (date_added) VALUES (now() + interval '2 hours')`,
  },
  'No trigger was attached': {},
  'A trigger is disabled': {
    sql: (queue) => `
      ${attach('switched_off', [`public.${queue}`, `${queue}_updated`, 'slug'])}
      ALTER TABLE switched_off DISABLE TRIGGER clear_cache`,
  },
  'A trigger of your own is disabled': {
    sql: (queue) => `
      ${write('switched_off_too', `INSERT INTO ${queue} (slug) VALUES (NEW.slug)`)}
      ALTER TABLE switched_off_too DISABLE TRIGGER tell`,
  },
  'A trigger names a queue table that no handler has': {
    sql: (queue) => attach('astray', [`public.${queue}s`, `${queue}_updated`, 'slug']),
  },
  'A trigger of your own fills another table': {
    sql: (queue) => `CREATE TABLE ${queue}_old (LIKE ${queue});
      ${write('astray_too', `INSERT INTO ${queue}_old (slug) VALUES (NEW.slug); NOTIFY ${queue}_updated`)}`,
  },
  'A trigger notifies another channel': {
    sql: (queue) => attach('deaf', [`public.${queue}`, `${queue}_update`, 'slug']),
  },
  'A trigger of your own notifies another channel': {
    sql: (queue) =>
      write(
        'deaf_too',
        `INSERT INTO ${queue} (slug) VALUES (NEW.slug); PERFORM pg_notify('${queue}_change', '')`,
      ),
  },
  'A trigger is not as `uncached.enqueue` wants it': {
    sql: (queue) => attach('refusing', [`public.${queue}`, `${queue}_updated`]),
  },
  'A trigger is for UPDATE OF, without a column of the key': {
    sql: (queue) => attach('narrow', [`public.${queue}`, `${queue}_updated`, 'slug'], ' OF body'),
  },
  'A channel has blanks at its ends': {
    sql: (queue) => `UPDATE listen_for SET name = name || ' ' WHERE script_name = '${queue}'`,
  },
  'A script_name has blanks at its ends': {
    sql: (queue) => `UPDATE listen_for SET script_name = ' ' || script_name WHERE script_name = '${queue}'`,
  },
  'A channel is longer than 63 bytes': {
    sql: (queue) => `UPDATE listen_for SET name = repeat('long', 16) || name WHERE script_name = '${queue}'`,
  },
  'A row of listen_for has an empty channel': {
    sql: (queue) => `UPDATE listen_for SET name = '' WHERE script_name = '${queue}'`,
  },
  'No channel wakes a handler': { sql: (queue) => `DELETE FROM listen_for WHERE script_name = '${queue}'` },
  'A channel is for a handler that is not there': {
    sql: (queue) => `UPDATE listen_for SET script_name = 'listen_${queue}' WHERE script_name = '${queue}'`,
  },
};

const queueOf = (mistake: string) => `queue_${Object.keys(planted).indexOf(mistake) + 10}`;

describe('check names a mistake as doc/operating.md has it', () => {
  const database = testDatabase();
  let client: Client;
  let site: Site;
  /** Writes the handlers of these mistakes, or of all mistakes. */
  let configure: (...mistakes: string[]) => string;
  let stdout: string;

  beforeAll(async () => {
    client = new Client(database.config);
    await client.connect();
    site = makeSite();
    site.write(['articles/hello.html']);
    const role = `listening_${database.name}`;
    await client.query(`CREATE ROLE ${role} LOGIN; GRANT uncached TO ${role}; DELETE FROM listen_for`);
    const handlers = new Map<string, string>();
    for (const [mistake, { columns, sql, clear, more }] of Object.entries(planted)) {
      const queue = queueOf(mistake);
      await client.query(`
        CREATE TABLE ${queue} (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ${columns ?? 'slug text'},
          date_added timestamptz NOT NULL DEFAULT clock_timestamp());
        GRANT SELECT, DELETE, UPDATE (id) ON ${queue} TO uncached;
        INSERT INTO listen_for (name, script_name) VALUES ('${queue}_updated', '${queue}');
        ${sql?.(queue) ?? ''}`);
      handlers.set(
        mistake,
        `[handler.${queue}]\nqueue = ${queue}\nclear[] = ${clear ?? 'articles/{slug}.html'}\n${more?.(queue) ?? ''}`,
      );
    }
    configure = (...which) => {
      const text = [...handlers]
        .filter(([mistake]) => which.length === 0 || which.includes(mistake))
        .map(([, handler]) => handler)
        .join('');
      return site.configure(iniFor(site, { ...database.config, user: role }, { handlers: text }));
    };
    ({ stdout } = await uncached(['--config', configure(), 'check']));
  });
  afterAll(async () => {
    const role = `listening_${database.name}`;
    await client.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`);
    await client.end();
    site.remove();
  });

  it.each(Object.keys(planted))('%s', (mistake) => {
    expectNamed(mistake, stdout);
  });

  it('two handlers with one queue table take nothing from it, so that no entry is cleared for one of them only', async () => {
    const mistake = 'Two handlers have one queue table, by two spellings';
    const queue = queueOf(mistake);
    await client.query(`INSERT INTO ${queue} (slug) VALUES ('hello')`);
    const drained = await uncached(['--config', configure(mistake), 'drain']);
    expect(drained.code).toBe(1);
    expect(drained.stderr).toContain(
      `[handler.again] queue = public.${queue} is the table of [handler.${queue}]`,
    );
    const { rowCount } = await client.query(`SELECT FROM ${queue}`);
    expect(rowCount).toBe(1);
  });

  it('the queue table of another daemon is not missed', async () => {
    const mistake = 'A trigger names a queue table that no handler has';
    const queue = queueOf(mistake);
    await client.query(`
      CREATE TABLE ${queue}s (slug text);
      INSERT INTO uncached.root VALUES ('m', '/other', 'o', '', '', '{}', '{public.${queue}s}')`);
    expect((await checkHere(configure(mistake))).stdout).not.toContain(`${queue}s`);
  });

  it('A handler has no queue, and the daemon does not listen', async () => {
    await client.query(`INSERT INTO listen_for (name, script_name) VALUES ('deployed', 'front')`);
    const handlers = `[handler.front]\nclear[] = articles/\n[handler.all]\nclear[] = articles/`;
    const checked = async (listen: string) => {
      const more = `[daemon]\nlisten = ${listen}`;
      return (await checkHere(site.configure(iniFor(site, database.config, { handlers, more })))).stdout;
    };
    const found = await checked('no');
    expectNamed('A handler has no queue, and the daemon does not listen', found);
    // Nothing at all wakes the other one, which another line says.
    expect(found.match(/has no queue, so/g)).toHaveLength(1);
    expect(await checked('yes')).not.toContain('has no queue, so');
  });

  it('listen_for is empty', async () => {
    await client.query('DELETE FROM listen_for');
    const { stdout } = await checkHere(configure());
    expectNamed('listen_for is empty', stdout);
    // One line reports it, without another line for each handler.
    expect(stdout).not.toContain('is never woken');
  });
});
