import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { say } from '../command-line.ts';
import { eventually } from '../faults/eventually.ts';
import { blocksOf, toPattern } from '../operating/blocks.ts';
import { buildDebianPackage } from '../package/build-debian-package.ts';
import { DebianMachine, whyNoDebian } from './machine.ts';

/**
 * The Debian package as a new operator meets it: doc/operating.md word for word on a bare Debian 13 under systemd, from
 * the installation to the last file that goes with it. Exits with 1 at the first command that fails, and with 2 where
 * it cannot run.
 */
const obstacle = whyNoDebian();
if (obstacle) {
  say(`The Debian package is not tried: ${obstacle}`);
  process.exit(2);
}

interface Step {
  readonly name: string;
  readonly text: string;
  readonly prints?: string | undefined;
}

const blocks = blocksOf(readFileSync('doc/operating.md', 'utf8'));

/** The document's blocks below a heading; with a pattern only those that have it. */
function below(heading: string, pattern = /./): Step[] {
  const found = blocks.filter((block) => block.heading === heading && pattern.test(block.text));
  if (found.length === 0) throw new Error(`doc/operating.md has no such block below "${heading}"`);
  return found.map(({ text, prints }) => ({
    name: `${heading}: ${text.trim().split('\n').at(-1)}`,
    text: text.replaceAll('…', '*'),
    prints,
  }));
}

const own = (name: string, text: string): Step => ({ name, text });

/** Stores a page and changes what it is made of. */
const change = (slug: string) => `
  runuser -u www-data -- sh -c 'umask 002; mkdir -p /var/cache/site/articles/news; echo old > /var/cache/site/articles/news/${slug}.html'
  su postgres -c "psql -q -d site -c \\"INSERT INTO articles VALUES ('news', '${slug}', 'new')\\""`;
const until = (condition: string, seconds = 60) =>
  `for _ in $(seq ${seconds}); do if ${condition}; then break; fi; sleep 1; done; ${condition}`;
const gone = (slug: string) => until(`[ ! -e /var/cache/site/articles/news/${slug}.html ]`);
const restarted = (pid: string) =>
  `[ "$(systemctl show -P MainPID uncached)" != ${pid} ] && systemctl --quiet is-active uncached`;

const steps: readonly Step[] = [
  own(
    'an older package is installed first',
    `apt-get update
    dpkg-deb -R uncached_*_all.deb old
    mv uncached_*_all.deb /srv
    sed -i 's/^Version: .*/Version: 0.0.1/' old/DEBIAN/control
    dpkg-deb -Znone -b old uncached_0.0.1_all.deb`,
  ),
  ...below('1. Packages', /install -y (postgresql|\.)/),
  ...below('2. Account and cache'),
  ...below('3. Database'),
  ...below('4. Configuration'),
  ...below('Under systemd'),
  ...below('6. See it work'),
  ...below('Nagios, Icinga and the like'),
  own(
    'reloads, also on a Debian without procps',
    `rm -f /usr/bin/kill
    systemctl reload uncached
    ${until('journalctl -u uncached | grep SIGHUP')}`,
  ),
  own(
    'systemd restarts a daemon that was killed, and one that is frozen (5 min)',
    `pid=$(systemctl show -P MainPID uncached)
    kill -KILL $pid
    ${until(restarted('$pid'))}
    pid=$(systemctl show -P MainPID uncached)
    kill -STOP $pid
    ${change('frozen')}
    ${until(restarted('$pid'), 400)}
    journalctl -u uncached | grep 'Watchdog timeout'
    ${gone('frozen')}`,
  ),
  own(
    'the daemon can write to the cache, and nowhere else',
    `pid=$(systemctl show -P MainPID uncached)
    as_daemon() { nsenter -t $pid --mount --wd=/ setpriv --reuid uncached --regid uncached --clear-groups "$@"; }
    as_daemon touch /var/cache/site/articles/written
    rm /var/cache/site/articles/written
    chmod 777 /var/cache /var/log /etc
    for directory in /var/cache /var/log /etc; do if as_daemon touch $directory/written; then exit 1; fi; done
    chmod 755 /var/cache /var/log /etc`,
  ),
  ...below('The log'),
  own('logs to the file', until('grep -q listening /var/log/uncached.log')),
  own(
    'the cache becomes a mount',
    `systemctl stop uncached
    options=uid=$(id -u www-data),gid=$(id -g uncached),mode=2775
    printf 'tmpfs %s tmpfs x-mount.mkdir,%s 0 0\\n' /var/cache/site $options /var/cache/site/articles $options >> /etc/fstab
    systemctl daemon-reload
    mount -a`,
  ),
  ...below('Root on a mount of its own'),
  own(
    'stops with the mount, and starts with it',
    `while mountpoint -q /var/cache/site; do umount --recursive /var/cache/site || sleep 1; done
    ${until('systemctl show -P ActiveState uncached | grep -qx inactive')}
    mount /var/cache/site
    ${until('systemctl is-active uncached')}
    mountpoint /var/cache/site/articles
    ${change('mounted')}
    ${gone('mounted')}
    systemctl stop var-cache-site.mount
    sed -i '/cache.site/d' /etc/fstab
    rm /etc/systemd/system/uncached.service.d/mounts.conf
    systemctl daemon-reload
    systemctl reenable uncached
    for set in /var/cache/site /var/cache/site/articles; do : > $set/.uncached; done
    systemctl start uncached`,
  ),
  own(
    'changes come while it is stopped',
    `systemctl stop uncached\nrm uncached_*\nmv /srv/uncached_*_all.deb .\n${change('upgraded')}`,
  ),
  ...below('Upgrade'),
  own('clears what it missed', gone('upgraded')),
  own('stops', 'systemctl disable --now uncached'),
  ...below('Uninstall', /^(?!rm \/etc\/service|deluser uncachedlog)/),
  own(
    'leaves nothing',
    `[ "$(getent passwd uncached; getent group uncached)" = '' ]
    [ "$(find / -xdev -iname '*uncached*' -not -path '/root/*' -not -path '/proc/*')" = '' ]
    [ "$(systemctl list-unit-files --no-legend | grep uncached)" = '' ]
    [ "$(cd /; su postgres -c "psql -At -d site -c '\\dn uncached' -c '\\du uncached' -c '\\d'")" = 'public|articles|table|postgres' ]
    cd /; su postgres -c "psql -q -d site -c \\"UPDATE articles SET body = 'free'\\""`,
  ),
];

const folder = mkdtempSync(join(tmpdir(), 'uncached-package-'));
const machine = new DebianMachine(buildDebianPackage(folder));
rmSync(folder, { recursive: true });
let code = 0;
try {
  const running = async () => {
    try {
      return machine.run('systemctl is-system-running --wait');
    } catch {
      return undefined;
    }
  };
  await eventually('started', running, async () => 'it does not answer', 100_000, 1_000);
  for (const { name, text, prints } of steps) {
    say(name);
    const begun = performance.now();
    const out = machine.run(text);
    if (prints !== undefined && !toPattern(prints).test(out))
      throw new Error(`It prints\n${out}\nand not\n${prints}`);
    say(`  ok, ${Math.round((performance.now() - begun) / 1_000)} s`);
  }
  say(`${steps.length} steps passed`);
} catch (error) {
  say((error as Error).stack ?? String(error));
  code = 1;
} finally {
  await machine.close();
}
process.exit(code);
