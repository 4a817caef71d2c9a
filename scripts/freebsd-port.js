// Writes what packaging/freebsd has of the package: its list of files, and the rc.d script. With a tarball
// (`npm pack`) also its checksum, as `make makesum` would. Another folder may be named: node scripts/freebsd-port.js
// [--to FOLDER] [TARBALL]
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename } from 'node:path';
import { parseArgs } from 'node:util';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { to: { type: 'string', default: 'packaging/freebsd' } },
});
mkdirSync(`${values.to}/files`, { recursive: true });
writeFileSync(`${values.to}/pkg-plist`, plist());
writeFileSync(`${values.to}/files/uncached.in`, rcScript());
const [tarball] = positionals;
if (tarball) writeFileSync(`${values.to}/distinfo`, distinfo(tarball));

/**
 * What is in bin/, man and etc/ is installed by the port's Makefile; USE_RC_SUBR lists the rc.d script itself. The
 * Makefile copies all else as files that cannot be run: this list says which can. @sample copies it to uncached.ini.
 */
function plist() {
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--dry-run', '--json'], {
    encoding: 'utf8',
  });
  const [{ files }] = JSON.parse(packed);
  const programs = Object.values(JSON.parse(readFileSync('package.json', 'utf8')).bin);
  const paths = files
    .sort((one, other) => (one.path < other.path ? -1 : 1))
    .map(({ path, mode }) => {
      const runs = mode & 0o111 || programs.includes(path);
      return `${runs ? '@(,,755) ' : ''}lib/node_modules/uncached/${path}`;
    });
  const others = [
    'bin/uncached',
    '@sample etc/uncached.ini.sample',
    'share/man/man5/uncached.ini.5.gz',
    'share/man/man8/uncached.8.gz',
  ];
  return `${[...others.slice(0, 2), ...paths, ...others.slice(2)].join('\n')}\n`;
}

function rcScript() {
  return readFileSync('service/freebsd/uncached', 'utf8').replaceAll('/usr/local', '%%PREFIX%%');
}

function distinfo(file) {
  const bytes = readFileSync(file);
  const name = basename(file);
  const time = Math.floor(Number(process.env.SOURCE_DATE_EPOCH ?? Date.now() / 1000));
  return [
    `TIMESTAMP = ${time}`,
    `SHA256 (${name}) = ${createHash('sha256').update(bytes).digest('hex')}`,
    `SIZE (${name}) = ${bytes.length}`,
    '',
  ].join('\n');
}
