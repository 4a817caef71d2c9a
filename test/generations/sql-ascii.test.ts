import { mkdirSync, readdirSync, unlinkSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { isLate } from '../cli/late.ts';
import { eventually } from '../faults/eventually.ts';
import { withClient } from '../postgres/connection.ts';
import { type LaunchedServer, launchServer } from '../postgres/launch.ts';
import { versions } from '../postgres/versions.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { type RunningDaemon, startUncached, uncached } from '../uncached.ts';
import { type Bytes, everyByte, names, neighbours } from './bytes.ts';
import { type FreshPorts, makeFreshPorts } from './freshports.ts';
import { handlers } from './handlers.ts';
import { createTables, oldest, roles } from './tables.ts';

let site: Site;
let database: FreshPorts;
let daemon: RunningDaemon | undefined;

const at = (path: Bytes) => Buffer.from(`${site.root}/${path}`, 'latin1');

function write(path: Bytes): void {
  mkdirSync(at(path.slice(0, path.lastIndexOf('/'))), { recursive: true });
  writeFileSync(at(path), 'page');
}

function pages(below: Bytes = ''): Bytes[] {
  const entries = readdirSync(at(below), { withFileTypes: true, encoding: 'buffer' });
  return entries
    .flatMap((entry) => {
      const path = below + entry.name.toString('latin1');
      return entry.isDirectory() ? pages(`${path}/`) : [path];
    })
    .filter((path) => path !== '.uncached')
    .sort();
}

async function enqueue(into: string, rows: readonly (readonly Bytes[])[]): Promise<void> {
  const columns = (rows[0] ?? []).map((_, at) => `convert_from(decode(row->>${at}, 'hex'), 'SQL_ASCII')`);
  const hex = rows.map((row) => row.map((bytes) => Buffer.from(bytes, 'latin1').toString('hex')));
  await withClient(database.as('www'), (client) =>
    client.query(
      `INSERT INTO cache_clearing_${into} SELECT ${into.startsWith('ports') ? '1, ' : ''}${columns.join(', ')} FROM json_array_elements($1::json) AS row`,
      [JSON.stringify(hex)],
    ),
  );
}

const configure = () =>
  site.configure(iniFor(site, database.listening, { handlers, more: '[daemon]\nsweep = 1s' }));

/** One daemon for all tests of a server. The first test starts it. */
async function start(): Promise<RunningDaemon> {
  daemon ??= startUncached(configure());
  await daemon.until('LISTEN', ({ event }) => event === 'listening');
  return daemon;
}

async function stop(): Promise<void> {
  await daemon?.stop();
  daemon = undefined;
}

const settled = () =>
  eventually(
    'settled but for what fails',
    async () => ((await database.waiting()) === 0 ? true : undefined),
    async () => JSON.stringify([await database.waiting(), daemon?.log.slice(-5)]),
  );

const servers = [
  ...versions().map(({ title, binaries }) => ({
    title,
    binaries,
    missing: binaries === undefined,
    older: true,
  })),
  { title: 'PostgreSQL of this run', binaries: undefined, missing: false, older: false },
];

describe.each(servers)('an SQL_ASCII database on $title', ({ binaries, missing, older }) => {
  let server: LaunchedServer | undefined;
  beforeAll(async () => {
    if (missing) return;
    server = await launchServer(binaries === undefined ? {} : { binaries });
    await withClient(server, (client) => client.query(roles));
    site = makeSite();
    database = await makeFreshPorts(server, { encoding: 'SQL_ASCII', tables: createTables(oldest) });
  });
  afterAll(async () => {
    if (!server) return;
    await stop();
    await database.drop();
    site.remove();
    await server.stop();
  });
  afterEach(() => {
    if (server) for (const page of pages()) unlinkSync(at(page));
  });

  it.skipIf(missing)('is cleared by the right bytes, whatever they are, in every text column', async () => {
    const paths = (name: Bytes) => [
      `ports/www/${name}/1`,
      `ports/${name}/port/1`,
      `commits/${name}/1`,
      `general/sanity_test_failures.${name}.1.html`,
      `ports/${name}.1`,
      `ports/deep/${name}/${name}.1`,
    ];
    for (const name of [...names, ...neighbours]) for (const path of paths(name)) write(path);
    const kept = neighbours.flatMap(paths);

    await enqueue(
      'ports (port_id, category, port)',
      names.flatMap((name) => [
        ['www', name],
        [name, 'port'],
      ]),
    );
    await enqueue(
      'commits (commit_to_clear)',
      names.map((name) => [name]),
    );
    await enqueue(
      'files (pathname)',
      names.flatMap((name) => [[`/ports/head/${name}`], [`deep/${name}/${name}`]]),
    );
    const running = await start();
    await settled();

    expect(await database.unsettled()).toEqual([]);
    expect(pages()).toEqual(kept.sort());
    const errors = running.log.filter((line) => line.level >= 50 && !isLate(line));
    expect(errors.filter(({ event }) => event !== 'unknown-handler')).toEqual([]);
  });

  it.skipIf(missing)('claims though an entry was added at the end of time', async () => {
    write('commits/abc/1');
    const from = daemon?.log.length ?? 0;
    await database.owner.query(`INSERT INTO cache_clearing_commits VALUES
      ('abc', now() - interval '5 seconds'), ('later', 'infinity'), ('earlier', '-infinity'), ('never', NULL),
      ('first', '4713-01-01 BC'), ('last', '294276-12-31 23:59:59.999999')`);
    const running = await start();
    await settled();
    expect(pages()).toEqual([]);
    const { lagMs } = await running.until(
      'a clearing',
      (line) =>
        line.event === 'cleared' && line.handler === 'listen_commit' && running.log.indexOf(line) >= from,
    );
    expect(lagMs).toBeGreaterThan(4_000);
    const status = () => uncached(['--config', configure(), 'status']);
    const reports = () => database.owner.query(`SELECT FROM uncached.daemon WHERE problems::text = '[]'`);
    await eventually(
      'well',
      async () => ((await reports()).rowCount === 1 && (await status()).code === 0 ? true : undefined),
      async () => (await status()).stdout,
    );
  });

  if (older) return;

  it('reports what names no page, in words, and blocks nothing', async () => {
    const ill = ['.a\xe9', '\xe9'.repeat(256), 'a/\xe9'];
    write('ports/www/good/1');
    write(`ports/www/${'\xe9'.repeat(255)}/1`);
    await enqueue(
      'ports (port_id, category, port)',
      [...ill, 'good', '\xe9'.repeat(255)].map((name) => ['www', name]),
    );
    const running = await start();
    await settled();
    expect(pages()).toEqual([]);
    expect((await database.unsettled()).map(({ last_error }) => last_error)).toEqual(
      expect.arrayContaining([
        'column port is ".a\\udce9", which begins with a dot: no page can have this key',
        expect.stringMatching(/^a component of (\\xE9){40}… is over 255 bytes: no page can have this key$/),
        'column port is "a/\\udce9", which contains "/": no page can have this key',
      ]),
    );
    await running.until('a warning', ({ event }) => event === 'rows-invalid');

    const cli = (...args: string[]) => uncached(['--config', configure(), ...args]);
    const list = await cli('failing', 'list');
    expect([list.code, list.stderr]).toEqual([0, '']);
    expect(list.stdout).toContain('{"port":".a\\udce9","category":"www"}');
    const rows = JSON.parse((await cli('failing', 'list', '--json')).stdout) as { key: unknown }[];
    expect(rows.map(({ key }) => key)).toContainEqual({ category: 'www', port: '.a\udce9' });
    expect((await cli('status')).stdout).toMatch(
      /^UNCACHED WARNING - .*listen_port: 3 rows with an invalid key/,
    );
    expect((await cli('check')).stdout).not.toContain('SQL_ASCII');
  });

  it('receives notifications even if a payload and a row of listen_for are not UTF-8', async () => {
    await database.owner.query(`INSERT INTO listen_for (name, script_name)
      SELECT 'x' || byte, byte FROM convert_from('\\xe9', 'SQL_ASCII') AS byte`);
    const running = await start();
    await running.until('an error', ({ event }) => event === 'unknown-handler');
    await withClient(database.as('www'), (client) =>
      client.query(`SELECT pg_notify('port_updated', convert_from('\\xe9', 'SQL_ASCII'))`),
    );
    for (const port of ['one', 'two']) {
      write(`ports/www/${port}/1`);
      await enqueue('ports (port_id, category, port)', [['www', port]]);
      await withClient(database.as('www'), (client) => client.query('NOTIFY port_updated'));
      await settled();
      expect(pages()).toEqual([]);
    }
  });

  it('is no different where the server converts: a LATIN1 database', async () => {
    await stop();
    await database.drop();
    database = await makeFreshPorts(server as LaunchedServer, {
      encoding: 'LATIN1',
      tables: createTables(oldest),
    });
    const characters = everyByte.filter((name) => !name.includes('/'));
    const inUtf8 = (name: Bytes) => Buffer.from(name).toString('latin1');
    for (const name of characters) for (const bytes of [inUtf8(name), 'x']) write(`ports/www/${bytes}/1`);
    await database.owner.query(
      `INSERT INTO cache_clearing_ports (port_id, category, port)
       SELECT 1, 'www', convert_from(decode(name, 'hex'), 'LATIN1') FROM unnest($1::text[]) AS name`,
      [characters.map((name) => Buffer.from(name, 'latin1').toString('hex'))],
    );
    await start();
    await settled();
    expect(await database.unsettled()).toEqual([]);
    expect(pages()).toEqual(['ports/www/x/1']);
  });
});
