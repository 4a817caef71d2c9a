import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import { isPrintable } from '../../src/core/printable-text.ts';
import { type Ended, main, uncached } from '../uncached.ts';
import { client, ini, on, site } from './commands.ts';

/*
 * Keys, file names and errors contain text from other people. None of it may control the terminal or look
 * like a line of our output.
 */

const evil = '\x1b]0;owned\x07\x1b[2J\r\nUNCACHED OK - all is well | backlog=0\n\x9b1m\u202eevil';

function expectHarmless({ stdout, stderr }: Ended): void {
  const lines = `${stdout}${stderr}`.split('\n');
  expect(lines.filter((line) => !isPrintable(line))).toEqual([]);
  expect(lines.filter((line) => /^(UNCACHED OK|evil|\[2J)/.test(line))).toEqual([]);
  expect(`${stdout}${stderr}`).toMatch(/\\(u000a|n)UNCACHED OK/);
}

const fail = (key: object, error: string, handler = 'listen_port') =>
  client.query(
    `INSERT INTO uncached.failing (consumer, id, handler, key, claimed_at, last_error, retry_at)
     SELECT 'a cache', count(*) + 1, $1, $2, now(), $3, now() + interval '1 hour' FROM uncached.failing`,
    [handler, JSON.stringify(key), error],
  );

it('status: in an error and in the name of a handler, on a first line of which the measures are ours', async () => {
  await fail({}, evil);
  await fail({}, 'no way', evil);
  const ended = await on(ini(), 'status');
  expectHarmless(ended);
  const [first = '', ...table] = ended.stdout.split('\n');
  expect(first).toMatch(/^UNCACHED CRITICAL - [^|]*\\u007c[^|]* \| backlog=0 lag=[\d.]+s failing=2$/);
  expect(table).toHaveLength(9);
  const json = await on(ini(), 'status', '--json');
  expect(JSON.parse(json.stdout).handlers.at(-1).handler).toBe(evil);
  expect(json.stdout.split('\n').every(isPrintable)).toBe(true);
});

it('failing list: in a key and in an error, and whole as JSON', async () => {
  await fail({ port: evil }, evil);
  const ended = await on(ini(), 'failing', 'list');
  expectHarmless(ended);
  expect(ended.stdout.trimEnd().split('\n')).toHaveLength(1);
  const json = await on(ini(), 'failing', 'list', '--json');
  expect(JSON.parse(json.stdout)).toMatchObject([{ key: { port: evil }, error: evil }]);
  expect(json.stdout.split('\n').every(isPrintable)).toBe(true);
});

it('the command line: in a command and in an option that are none', async () => {
  for (const args of [[evil], [`--${evil}`], ['run', '--log-format', evil]]) {
    const { code, stderr } = await uncached(args);
    expect(code).toBe(2);
    expect(stderr).toContain('owned');
    expect(stderr.split('\n').filter((line) => !isPrintable(line))).toEqual([]);
  }
});

it('failing list, status: a megabyte is shown by its beginning', async () => {
  for (const length of [3_000, 1_000_000]) {
    const port = 'a'.repeat(length);
    await fail({ port }, `column port is "${port}"`);
  }
  for (const args of [['failing', 'list'], ['status']]) {
    const { stdout } = await on(ini(), ...args);
    expect(stdout.length).toBeLessThan(5_000);
    expect(stdout).toMatch(/column port is "aaa/);
    if (args[0] === 'failing') expect(stdout).toMatch(/"port":"a{200}\.\.\. \(3000 characters\)"/);
  }
});

it('explain: in a path and in an error, with a command that can be pasted', async () => {
  const directory = `ports/${evil.replaceAll('/', '')}/it's "a" \\ $HOME \`id\``;
  site.write([`${directory}/page`]);
  await fail({ category: 'www', port: 'x' }, evil);
  const ended = await on(ini(), 'explain', `${directory}/page`);
  expectHarmless(ended);
  const command = /^To clear it by hand: uncached (.*)$/m.exec(ended.stdout)?.[1];
  expect(command).toMatch(/^clear listen_port /);
  const file = site.configure(ini());
  const pasted = spawnSync(
    'bash',
    ['-c', `"$@" --config ${file} ${command}`, 'bash', process.execPath, main],
    {
      encoding: 'utf8',
    },
  );
  expect(pasted).toMatchObject({ status: 0, stderr: '' });
  expect(site.pages()).not.toContain(`${directory}/page`);

  expectHarmless(await on(ini(), 'explain', 'ports/www/x/page'));
  expectHarmless(await on(ini(), 'explain', `no-template/${evil}`));
});

it('clear: in a file name and in a key', async () => {
  site.write([`ports/www/a/${evil}`]);
  expectHarmless(await on(ini(), 'clear', 'listen_port', 'category=www', 'port=a', '--dry-run'));
  expectHarmless(await on(ini(), 'clear', 'listen_port', 'category=www', `port=.${evil}`));
  expectHarmless(await on(ini(), 'clear', evil));
});

it('drain: in a key that cannot be cleared', async () => {
  await client.query('INSERT INTO cache_clearing_ports (category, port) VALUES ($1, $2)', [
    'www',
    `.${evil}`,
  ]);
  const ended = await on(ini(), 'drain');
  expect(ended.code).toBe(1);
  expectHarmless(ended);
});

it('check: in a row of listen_for, and in the configuration', async () => {
  await client.query('INSERT INTO listen_for (name, script_name) VALUES ($1, $2)', ['a_channel', evil]);
  try {
    expectHarmless(await on(ini(), 'check'));
  } finally {
    await client.query('DELETE FROM listen_for WHERE script_name = $1', [evil]);
  }
  const directory = JSON.stringify(`${site.root}/${evil}`);
  expectHarmless(await on(ini().replace(/^root = .*$/m, `root = ${directory}`), 'check'));
});

it('config: as a file that reads the same', async () => {
  const text = ini().replace(/^root = .*$/m, `root = ${JSON.stringify(`${site.root}/${evil}\t\udce9`)}`);
  const ended = await on(text, 'config', '--show-password');
  expectHarmless(ended);
  expect((await on(ended.stdout, 'config', '--show-password')).stdout).toBe(ended.stdout);
});
