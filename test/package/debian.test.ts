import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOnMachine, type StepResult, whyNoMachine } from '../operating/machine.ts';
import { buildDebianPackage } from './build-debian-package.ts';

/** The Debian package: what is in it, and that dpkg installs, upgrades, removes and purges it. */

const { version, engines } = JSON.parse(readFileSync('package.json', 'utf8'));
const has = (program: string) => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
const obstacle = has('dh') ? undefined : 'there is no dh: apt-get install debhelper';
if (obstacle) console.warn(`SKIPPED: the Debian package: ${obstacle}`);
if (!has('lintian')) console.warn('SKIPPED: lintian on the Debian package: apt-get install lintian');
const noMachine = obstacle ?? whyNoMachine(['apt-get', 'systemd-analyze', 'man']);
if (noMachine) console.warn(`SKIPPED: the installation of the Debian package: ${noMachine}`);

const directory = mkdtempSync(join(tmpdir(), 'uncached-debian-'));
afterAll(() => rmSync(directory, { recursive: true }));
let file: string;
beforeAll(() => {
  if (!obstacle) file = buildDebianPackage(join(directory, 'one'));
}, 600_000);

const field = (name: string) => execFileSync('dpkg-deb', ['-f', file, name], { encoding: 'utf8' }).trim();
const unpacked = () => {
  const to = join(directory, 'unpacked');
  execFileSync('dpkg-deb', ['-x', file, to]);
  return to;
};

describe.skipIf(obstacle)('the Debian package', () => {
  it('has the version and the Node.js of package.json, and no code of one architecture', () => {
    expect(field('Version')).toBe(version.replace('-', '~'));
    expect(field('Depends')).toContain(`nodejs (${engines.node.replace(/(\d)/, ' $1')})`);
    expect(field('Architecture')).toBe('all');
    const paths = readdirSync(join(unpacked(), 'usr'), { recursive: true, encoding: 'utf8' });
    expect(paths.filter((path) => /\.node$|pg-native|\.package-lock/.test(path))).toEqual([]);
  });

  it('says the licences of the packages that the program contains, and has their texts', () => {
    const program = join(unpacked(), 'usr/share/uncached');
    const listed = readFileSync(join(program, 'doc/licenses.md'), 'utf8');
    const bundled = readdirSync(join(program, 'dist/program'))
      .flatMap((name) => [
        ...readFileSync(join(program, 'dist/program', name), 'utf8').matchAll(
          /^\/\/(?:#region)? node_modules\/((?:@[^/\n]+\/)?[^/\n]+)/gm,
        ),
      ])
      .map((match) => match[1]);
    const licences = bundled.map((name) => {
      const licence = listed
        .split('\n')
        .find((line) => line.startsWith(`| ${name} |`))
        ?.split(' | ')[2];
      return licence?.replace(' |', '').replace('MIT', 'Expat');
    });
    const copyright = readFileSync('debian/copyright', 'utf8');
    const [, said = ''] = /^Files: dist\/program\/\*\n(?:.*\n)*?License: (.*)$/m.exec(copyright) ?? [];
    expect([...new Set(licences)].sort()).toEqual(said.split(' and ').sort());
    for (const licence of licences) expect(copyright).toContain(`\nLicense: ${licence}\n `);
  });

  it('is the same from the same commit, at another time and with another umask', { timeout: 600_000 }, () => {
    const other = execFileSync('sh', [
      '-c',
      'umask 077; TZ=Asia/Tokyo scripts/deb.sh "$1"',
      'sh',
      join(directory, 'two'),
    ]);
    expect(readFileSync(other.toString().trim()).equals(readFileSync(file))).toBe(true);
  });

  it.skipIf(!has('lintian'))('gives lintian nothing to say', { timeout: 600_000 }, () => {
    const { stdout, status } = spawnSync('lintian', ['--fail-on', 'error,warning', file], {
      encoding: 'utf8',
    });
    expect(stdout).toBe('');
    expect(status).toBe(0);
  });
});

/** What is left of a purged package: the account, the accounts' backups, and what apt and dpkg keep for themselves. */
const left =
  /^\/mnt\/(etc\/upper\/((passwd|group|shadow|gshadow|subuid|subgid)-?|\.pwd\.lock)|usr\/upper\/bin\/node|var\/upper\/(lib\/(dpkg|apt|systemd)|cache\/(apt|man|debconf|ldconfig)|log\/(apt|dpkg|alternatives)|tmp)\b.*)$/;

const steps: Readonly<Record<string, string>> = {
  'installs, and says what to do next': `
    dpkg-deb -R uncached_*_all.deb old
    sed -i 's/^Version: .*/Version: 0.0.1/' old/DEBIAN/control
    echo '# of the old version' >>old/etc/logrotate.d/uncached
    dpkg-deb -b -Znone old old.deb
    apt-get install -y ./old.deb >said 2>&1 || { cat said; exit 1; }
    grep 'not running yet' said`,
  'makes the account': `
    getent passwd uncached | grep ':/nonexistent:/usr/sbin/nologin$'
    id -gn uncached | grep -x uncached`,
  'runs on the Node.js on which it depends': `
    printf '#!/bin/sh\\nexit 9\\n' >/usr/local/bin/node
    chmod 755 /usr/local/bin/node
    [ "$(uncached --version)" = ${version} ]
    rm /usr/local/bin/node`,
  'has manual pages and samples': `
    man -w 8 uncached
    man -w 5 uncached.ini
    cd /usr/share/doc/uncached
    ls README.md CHANGELOG.md doc/operating.md examples/prometheus-rules.yml copyright`,
  'has a configuration of comments, which no version has to change, and "check" says what to write': `
    grep -x /etc/uncached.ini /var/lib/dpkg/info/uncached.conffiles
    if grep -v '^;' /etc/uncached.ini; then exit 1; fi
    runuser -u uncached -- uncached check >said 2>&1 && exit 1
    grep '/etc/uncached.ini: .*root' said`,
  'has a unit without fault, which is not enabled': `
    [ "$(systemd-analyze verify uncached.service 2>&1)" = '' ]
    [ "$(systemctl is-enabled uncached || true)" = disabled ]`,
  'upgrades, and keeps what the administrator has changed': `
    cp /usr/share/doc/uncached/examples/uncached.minimal.ini /etc/uncached.ini
    systemctl enable uncached
    apt-get install -y ./uncached_*_all.deb >said 2>&1 || { cat said; exit 1; }
    if grep 'not running yet' said; then exit 1; fi
    cmp /usr/share/doc/uncached/examples/uncached.minimal.ini /etc/uncached.ini
    if grep 'of the old version' /etc/logrotate.d/uncached; then exit 1; fi
    systemctl is-enabled uncached | grep -x enabled`,
  // A directory and a program stand for systemd. apt has a path of its own; in containers a policy starts nothing.
  'under systemd an upgrade restarts what runs, and starts nothing': `
    mkdir -p /run/systemd/system
    rm -f /usr/sbin/policy-rc.d
    printf '#!/bin/sh\\necho "$@" >>/run/asked\\n' >/usr/local/bin/systemctl
    chmod 755 /usr/local/bin/systemctl
    apt-get install -y --reinstall -o "DPkg::Path=$PATH" ./uncached_*_all.deb >said 2>&1 || { cat said; exit 1; }
    cat /run/asked
    grep -E '(^| )try-restart uncached.service' /run/asked
    if grep -E '(^| )(re)?start uncached' /run/asked; then exit 1; fi`,
  'under systemd a removal stops it, and keeps the configuration': `
    apt-get remove -y -o "DPkg::Path=$PATH" uncached >said 2>&1 || { cat said; exit 1; }
    grep -E '(^| )stop uncached.service' /run/asked
    rm -r /run/systemd /usr/local/bin/systemctl
    ls /etc/uncached.ini
    [ ! -e /usr/share/uncached ] && [ ! -e /usr/bin/uncached ]`,
  'a purge leaves the account, and nothing else': `
    touch /var/log/uncached.log /var/log/uncached.log.1.gz
    apt-get purge -y uncached >said 2>&1 || { cat said; exit 1; }
    id uncached >&2
    find /mnt/*/upper ! -type d ! -type c`,
};

describe.skipIf(noMachine)('on a Debian without systemd as process 1', () => {
  const names = Object.keys(steps);
  let results: StepResult[];
  beforeAll(() => {
    if (noMachine) return;
    const texts = Object.values(steps).map((text) => ({ language: 'sh', text }));
    results = runOnMachine(texts, { debianPackage: file });
  }, 600_000);

  it.each(names.map((name, at) => ({ name, at })))('$name', ({ name, at }) => {
    const { code, out, err } = results[at] ?? { code: '', out: '', err: '' };
    expect(code, `${out}\n${err}`).toBe('0');
    if (name.startsWith('a purge')) expect(out.split('\n').filter((path) => !left.test(path))).toEqual([]);
  });
});
