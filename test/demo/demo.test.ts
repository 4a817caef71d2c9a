import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { lastWill } from '../last-will.ts';
import { withClient } from '../postgres/connection.ts';
import { type RunningDemo, startDemo } from './running.ts';

const folder = mkdtempSync(join(tmpdir(), 'uncached-demo-'));
lastWill('rm -rf "$1"', folder);
const temporary = join(folder, 'with a blank');
mkdirSync(temporary);
// The server may run as a different user.
for (const directory of [folder, temporary]) chmodSync(directory, 0o1777);

/** Variables that a visitor may have set for a server of his own. */
const env = {
  TMPDIR: temporary,
  DATABASE_URL: '',
  PGHOST: '/nowhere',
  PGHOSTADDR: '192.0.2.1',
  PGPORT: '1',
  PGSERVICE: 'none',
  PGSSLMODE: 'verify-full',
  PGOPTIONS: '-c default_transaction_read_only=on',
};

/** Everything on our PATH except psql. */
function pathWithoutPsql(): string {
  const path = join(folder, 'bin');
  mkdirSync(path);
  const names = new Set(['psql']);
  for (const directory of (process.env.PATH ?? '').split(delimiter).filter(existsSync)) {
    for (const name of readdirSync(directory)) {
      if (!names.has(name)) symlinkSync(join(directory, name), join(path, name));
      names.add(name);
    }
  }
  return path;
}

/** The line that the demo prints for visitors, and the database's location from it. */
async function invitation(demo: RunningDemo) {
  const [, line = '', host = '', database] = await demo.until(/^ {2}(.* -h '(.+)' -p .* -d (\S+) -c ".*")$/m);
  return { line, connection: { host, port: 5432, user: 'postgres', database: String(database) } };
}

const run = promisify(execFile);
const ofNode = /^node .*psql\.js'? -h /;
const ofPsql = spawnSync('psql', ['--version']).status === 0 ? /^env -u PGHOST .*psql -X -h / : ofNode;

describe('two demos at the same time', () => {
  const path = pathWithoutPsql();
  const demos = [startDemo(env), startDemo({ ...env, PATH: path }, ['--no-tour'])] as const;
  beforeAll(async () => {
    await Promise.all(demos.map((demo) => demo.until(/^ {2}.* -h /m)));
  }, 320_000);
  afterAll(async () => {
    await Promise.all(demos.map((demo) => demo.stop()));
    rmSync(folder, { recursive: true });
  });

  it.each([
    { with: 'psql', demo: demos[0], PATH: process.env.PATH, shown: ofPsql },
    { with: 'Node, where there is no psql', demo: demos[1], PATH: path, shown: ofNode },
  ])('invite to a change with $with, and show it', async ({ demo, PATH, shown }) => {
    const { line } = await invitation(demo);
    expect(line).toMatch(shown);
    const { stdout } = await run('sh', ['-c', line], { cwd: '/', env: { ...process.env, ...env, PATH } });
    expect(stdout).toBe('UPDATE 1\n');
    await demo.until(/your change: (7 files|\d more files) gone( \d+ ms later)?\n/);
  });

  it('take the tour first', async () => {
    const output = demos[0].output();
    expect(output).toMatch(
      /1\. Files\..*ms after the commit.*5\. An announcement\..*none has the old page\./s,
    );
    expect(output).not.toContain('WRONG');
    expect(demos[1].output()).not.toContain('1. Files.');
  });

  it('show changes of whatever kind, and wait for a transaction that is open', async () => {
    const [demo] = demos;
    const { connection } = await invitation(demo);
    await withClient(connection, async (visitor) => {
      const seen = async (sql: string, what: RegExp) => {
        const from = demo.output().length;
        await visitor.query(sql);
        await demo.until(what, from);
      };
      await seen(
        "UPDATE ports SET name = 'x' WHERE name = 'none'",
        /your change: 0 (more files gone|files gone, for no page shows it)\n/,
      );
      await seen("DELETE FROM ports WHERE category = 'lang'", /your change: (16 files|\d+ more files) gone/);
      await seen("INSERT INTO ports VALUES ('a/b', 'c')", /your change: (2 files|\d+ more files) gone/);
      await seen("BEGIN; UPDATE ports SET description = 'held'", /Waiting until your transactions end/);
      await seen('COMMIT', /your change: \d+ (more )?files gone/);
      await visitor.query('NOTIFY port_updated');
    });
  });

  it('know their own changes from those of the same moment', async () => {
    const [, demo] = demos;
    const { connection } = await invitation(demo);
    await withClient(connection, async (visitor) => {
      const { rows } = await visitor.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
      visitor.on('notification', ({ processId }) => {
        if (processId === rows[0]?.pid) return;
        visitor.query("UPDATE ports SET description = '' WHERE name = 'mail-beta'").catch(() => {});
      });
      await visitor.query('LISTEN port_updated; LISTEN date_updated');
      await demo.until(/your change: \d+ more files gone/, demo.output().length);
      await visitor.query('UNLISTEN *');
    });
  });

  it('end at Ctrl-C in order, although visitors are connected, and leave nothing behind', async () => {
    for (const demo of demos) {
      const [, root = ''] = await demo.until(/; (\S+) holds \d+ files/);
      const [, url = ''] = await demo.until(/status page is at (\S+)/);
      const { connection } = await invitation(demo);
      const code = await withClient(connection, () => demo.stop());
      expect(demo.output()).toMatch(/Exactly the right files went, every time\.\n$/);
      expect(demo.output()).not.toContain('WRONG');
      expect(code).toBe(0);
      expect(existsSync(root)).toBe(false);
      await expect(fetch(url)).rejects.toThrow();
    }
    expect(readdirSync(temporary)).toEqual([]);
  });
});
