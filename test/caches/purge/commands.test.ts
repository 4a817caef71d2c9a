import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { beforeEach, expect, it } from 'vitest';
import { database, site } from '../../cli/site-and-database.ts';
import { iniFor } from '../../site.ts';
import { uncached } from '../../uncached.ts';

let secret: string;
beforeEach(() => {
  secret = join(dirname(site.root), 'key');
  writeFileSync(secret, 's3cret\n', { mode: 0o600 });
});

const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
url[] = /{category}/{port}/
`;

/** Nobody listens on port 1. */
const section = (more = '') => `
[purge.varnish]
to = http://127.0.0.1:1
site = https://www.example.org
header[] = Key: {file:${secret}}
header[] = Plain: plain-secret
${more}`;

const on = (ini: string, ...command: string[]) => uncached(['--config', site.configure(ini), ...command]);
const ini = (more: string, other = handlers) => iniFor(site, database.config, { handlers: other, more });

it('check names a secret that everybody may read, and a section that nobody feeds', async () => {
  chmodSync(secret, 0o644);
  const { stdout, code } = await on(
    ini(`${section()}\n[purge.cdn]\nto = https://x\nrequest = POST /purge/{tag}\neverything = POST /all`),
    'check',
  );
  expect(stdout).toContain(`[purge.varnish] header[]: everybody may read the secret in ${secret}: chmod 640`);
  expect(stdout).toContain('[purge.cdn] is asked for nothing: no handler has tag[] lines');
  expect(stdout).toContain('notice: [purge.varnish] has no "everything"');
  expect(stdout).not.toContain('[purge.cdn] has no "everything"');
  expect(code).toBe(1);
});

it('check and run name every mistake in a section', async () => {
  const wrong = ini(section('after = purge.varnisch\nexpect = yes\nlag = soon\nnone = 1'));
  const { stdout, code } = await on(wrong, 'check');
  for (const problem of [
    '[purge.varnish] after = purge.varnisch: there is no such section, did you mean "purge.varnish"?',
    'lag = soon: ',
    'none is unknown',
  ])
    expect(stdout).toContain(problem);
  expect(code).toBe(2);
  const run = await on(ini(section('expect = yes')), 'run');
  expect(run.stderr).toContain('[purge.varnish] expect = yes: must be a status such as 200 or 200-204');
  expect(run.code).toBe(2);
});

it('config shows where a secret is, and no secret', async () => {
  const { stdout } = await on(ini(section()), 'config');
  expect(stdout).toContain(`header[] = Key: {file:${secret}}`);
  expect(stdout).toContain('header[] = Plain: ********');
  expect(stdout).not.toContain('plain-secret');
  const shown = await on(ini(section()), 'config', '--show-password');
  expect(shown.stdout).toContain('header[] = Plain: plain-secret');
});

it('clear has a program purge, and tells the program of a handler the keys', async () => {
  const folder = dirname(site.root);
  const program = (name: string) => {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\ncat > ${path}.read\n`, { mode: 0o755 });
    return path;
  };
  const cdn = `[purge.cdn]\nrun = ${program('invalidate')}\nsite = https://www.example.org`;
  const both = ini(cdn, `${handlers}run = ${program('tell')}\n`);
  expect(await on(both, 'clear', 'listen_port', 'category=net', 'port=a b')).toMatchObject({
    stderr: '',
    code: 0,
  });
  const read = (name: string) => readFileSync(join(folder, `${name}.read`), 'utf8');
  expect(read('invalidate')).toBe('{"url":"/net/a%20b/","page":"https://www.example.org/net/a%20b/"}\n');
  expect(read('tell')).toBe('{"category":"net","port":"a b"}\n');
});

it('check looks for the programs that purge', async () => {
  const cdn = '[purge.cdn]\nsite = https://a\nrun = /none/such | cat\neverything = /none/other';
  const { stdout } = await on(ini(cdn), 'check');
  for (const problem of [
    '[purge.cdn] run = /none/such | cat: there is no program /none/such, or it may not be run',
    '[purge.cdn] run = /none/such | cat: "|": no shell runs it',
    '[purge.cdn] everything = /none/other: there is no program /none/other, or it may not be run',
  ])
    expect(stdout).toContain(problem);
});

it('clear --dry-run names what would be asked for', async () => {
  const { stdout } = await on(
    ini(section()),
    'clear',
    'listen_port',
    'category=net',
    'port=libsigc++ 2',
    '--dry-run',
  );
  expect(stdout).toContain(`would ask purge.varnish to forget: /net/libsigc++%202/
  PURGE http://127.0.0.1:1/net/libsigc++%202/  host: www.example.org  key: ********  plain: ********
`);
});

it('clear tells of a target that is down, and deletes the files all the same', async () => {
  site.write(['ports/net/rsync/Detail.html']);
  const { stdout, stderr, code } = await on(
    ini(section()),
    'clear',
    'listen_port',
    'category=net',
    'port=rsync',
  );
  expect(stdout).toContain('deleted 1 file');
  expect(stderr).toContain('[purge.varnish] http://127.0.0.1:1 does not answer: connect ECONNREFUSED');
  expect(code).toBe(1);
  expect(existsSync(join(site.root, 'ports/net/rsync/Detail.html'))).toBe(false);
});
