import { Client } from 'pg';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { withClient } from './connection.ts';
import { createDatabase, defaultTemplate } from './database.ts';
import { type LaunchedServer, launchServer } from './launch.ts';
import { makeTemplate, removeTemplate } from './template.ts';
import { testDatabase } from './test-database.ts';

const database = testDatabase();

test('testDatabase() gives a database of its own, a copy of the template', async () => {
  const { rows } = await withClient(database.config, (client) =>
    client.query('SELECT current_database() AS name'),
  );
  expect(rows).toEqual([{ name: database.name }]);
  const templates = await withClient(inject('postgres'), (client) =>
    client.query('SELECT datallowconn FROM pg_database WHERE datname = $1', [defaultTemplate]),
  );
  expect(templates.rows).toEqual([{ datallowconn: false }]);
});

test('createDatabase() takes a name with a dot, and one of 63 bytes but no more', async () => {
  for (const name of [`freshports.org.${process.pid}`, 'x'.repeat(63)]) {
    const made = await createDatabase(inject('postgres'), { name });
    const { rows } = await withClient(made.config, (client) => client.query('SELECT current_database()'));
    expect(rows).toEqual([{ current_database: name }]);
    await made.drop();
  }
  await expect(createDatabase(inject('postgres'), { name: 'é'.repeat(32) })).rejects.toThrow('over 63 bytes');
});

test('createDatabase() makes a SQL_ASCII database', async () => {
  const made = await createDatabase(inject('postgres'), { encoding: 'SQL_ASCII' });
  const { rows } = await withClient(made.config, (client) => client.query('SHOW server_encoding'));
  expect(rows).toEqual([{ server_encoding: 'SQL_ASCII' }]);
  await made.drop();
});

test('drop() removes the database, and nothing when it is called again', async () => {
  const made = await createDatabase(inject('postgres'));
  await made.drop();
  await made.drop();
  await expect(withClient(made.config, async () => undefined)).rejects.toThrow('does not exist');
});

test('drop() names the connection that was left open, and removes the database all the same', async () => {
  const made = await createDatabase(inject('postgres'));
  const leaked = new Client({ ...made.config, application_name: 'leaky' });
  leaked.on('error', () => undefined);
  const cut = new Promise((resolve) => leaked.once('end', resolve));
  await leaked.connect();
  await expect(made.drop(1)).rejects.toThrow(/connections were left open(.|\n)*leaky idle/);
  await cut;
  await expect(withClient(made.config, async () => undefined)).rejects.toThrow('does not exist');
});

let server: LaunchedServer;
beforeAll(async () => {
  // A server of its own, because all test files share the template of the shared server.
  server = await launchServer();
});
afterAll(() => server.stop());

test('makeTemplate() runs a script in the template, and may be called again', async () => {
  const script = "CREATE TABLE installed (name text); INSERT INTO installed VALUES ('é')";
  await makeTemplate(server, script);
  await makeTemplate(server, script);
  const made = await Promise.all([createDatabase(server), createDatabase(server), createDatabase(server)]);
  for (const { config, drop } of made) {
    const { rows } = await withClient(config, (client) => client.query('SELECT name FROM installed'));
    expect(rows).toEqual([{ name: 'é' }]);
    await drop();
  }
});

test('createDatabase() copies template0 where there is no template', async () => {
  await removeTemplate(server);
  const { config } = await createDatabase(server);
  const { rows } = await withClient(config, (client) =>
    client.query("SELECT to_regclass('installed') AS it"),
  );
  expect(rows).toEqual([{ it: null }]);
});
