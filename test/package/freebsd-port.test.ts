import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';

/** What can be held of packaging/freebsd without FreeBSD; its README says what cannot. */
const folder = mkdtempSync(join(tmpdir(), 'uncached-port-'));
afterAll(() => rmSync(folder, { recursive: true }));
writeFileSync(join(folder, 'uncached-1.tgz'), 'a tarball');
execFileSync(process.execPath, ['scripts/freebsd-port.js', '--to', folder, join(folder, 'uncached-1.tgz')]);

const port = (name: string) => readFileSync(join('packaging/freebsd', name), 'utf8');
const makefile = port('Makefile');
const lines = makefile.split('\n');
const plist = port('pkg-plist').trimEnd().split('\n');
const command = 'run npm run build:test && node scripts/freebsd-port.js';

it.each(['pkg-plist', 'files/uncached.in'])('%s is that of the package', (name) => {
  expect(port(name), command).toBe(readFileSync(join(folder, name), 'utf8'));
});

it('pkg-plist has what the Makefile installs besides', () => {
  const [, ...beside] = [...makefile.matchAll(/\$\{STAGEDIR\}\$\{PREFIX\}\/((?:bin|etc|share)\S*)/g)].map(
    ([, path = '']) => path,
  );
  expect(beside).toEqual(['share/man/man8', 'share/man/man5', 'etc/uncached.ini.sample']);
  const outside = plist.filter((line) => !/^(@\(,,755\) )?lib\//.test(line));
  expect(outside).toEqual([
    'bin/uncached',
    '@sample etc/uncached.ini.sample',
    'share/man/man5/uncached.ini.5.gz',
    'share/man/man8/uncached.8.gz',
  ]);
});

it('pkg-plist says which files can be run: COPYTREE_SHARE of the Makefile makes each one that cannot', () => {
  const runnable = plist.flatMap(
    (line) => /^@\(,,755\) lib\/node_modules\/uncached\/(.*)/.exec(line)?.[1] ?? [],
  );
  expect(runnable).toEqual([
    'dist/program/main.js',
    'service/daemontools/log/run',
    'service/daemontools/run',
    'service/freebsd/uncached',
    'service/runit/log/run',
    'service/runit/run',
    'service/s6/log/run',
    'service/s6/run',
  ]);
});

it('has the version of the package', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  expect(makefile).toContain(`\nDISTVERSION=\t${version}\n`);
});

it('says the licences that the Debian package says', () => {
  const [, said = ''] =
    /^Files: dist\/program\/\*\n(?:.*\n)*?License: (.*)$/m.exec(readFileSync('debian/copyright', 'utf8')) ??
    [];
  const names: Readonly<Record<string, string>> = { 'Apache-2.0': 'APACHE20', ISC: 'ISCL', Expat: 'MIT' };
  const licences = said.split(' and ').map((licence) => names[licence]);
  expect(makefile).toContain(`\nLICENSE=\t${licences.sort().join(' ')}\nLICENSE_COMB=\tmulti\n`);
});

it('distinfo is in the format of makesum', () => {
  const sum = createHash('sha256').update('a tarball').digest('hex');
  expect(readFileSync(join(folder, 'distinfo'), 'utf8').replace(/^TIMESTAMP = \d+\n/, '')).toBe(
    `SHA256 (uncached-1.tgz) = ${sum}\nSIZE (uncached-1.tgz) = 9\n`,
  );
});

it('the Makefile is in the order and the form that portlint asks for', () => {
  const names = lines.flatMap((line) => /^([A-Z_]+)=/.exec(line)?.[1] ?? []);
  expect(names).toEqual([
    ...['PORTNAME', 'DISTVERSION', 'CATEGORIES', 'MASTER_SITES'],
    ...['MAINTAINER', 'COMMENT', 'WWW', 'LICENSE', 'LICENSE_COMB', 'LICENSE_FILE_ISCL', 'LICENSE_FILE_MIT'],
    ...['USES', 'USE_RC_SUBR', 'NO_ARCH', 'NO_BUILD', 'WRKSRC', 'SUB_FILES', 'MODULE_DIR'],
  ]);
  expect(lines.filter((line) => /^[A-Z_]+=(?!\t+\S)/.test(line) || /[ \t]$|^ |\$\(/.test(line))).toEqual([]);
  expect(makefile).not.toMatch(/\n\n\n|\/usr\/local|\/usr\/ports|CHMOD|EXTRACT_SUFX|ports@FreeBSD/);
  expect(makefile).toMatch(/\n\n\.include <bsd\.port\.mk>\n$/);
  const [, comment = ''] = /^COMMENT=\t(.*)$/m.exec(makefile) ?? [];
  expect(comment).toMatch(/^(?!A |An |The )[A-Z].{1,68}[^.]$/);
});

it('pkg-descr, pkg-message and pkg-plist are as portlint asks for', () => {
  const description = port('pkg-descr');
  expect(description).toMatch(/^[\x20-\x7e\n]*[^\n]\n$/);
  expect(description).not.toMatch(/WWW:|https?:/);
  expect(description.split('\n').length).toBeLessThanOrEqual(25);
  expect(Math.max(...description.split('\n').map((line) => line.length))).toBeLessThanOrEqual(79);
  expect(port('files/pkg-message.in')).not.toContain('/usr/local');
  expect(port('pkg-plist')).not.toMatch(/^\/|[ \t]$|\.core$|%%|^@(?!\(,,755\) |sample )|\n\n/m);
});
