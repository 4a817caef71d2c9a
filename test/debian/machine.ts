import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { lastWill } from '../last-will.ts';

/** The reason why no Debian can be started here, or undefined. */
export function whyNoDebian(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it needs Linux and root';
  const packages = { mmdebstrap: 'mmdebstrap', 'systemd-nspawn': 'systemd-container', dh: 'debhelper' };
  const missing = Object.entries(packages).filter(
    ([program]) => spawnSync('sh', ['-c', `command -v ${program}`]).status !== 0,
  );
  if (missing.length > 0)
    return `there is no ${missing.map(([program]) => program).join(', ')}: apt-get install ${missing.map(([, name]) => name).join(' ')}`;
  // Its network is that of this machine, because it installs packages.
  const taken = spawnSync('bash', ['-c', 'exec 3<>/dev/tcp/127.0.0.1/5432'], { stdio: 'ignore' });
  if (taken.status === 0) return 'its PostgreSQL needs port 5432, on which something listens here';
  return undefined;
}

/** Only there do the commands run: each of them would change, or remove, something of this machine. */
const inside = `[ -e /run/machine-of-test ] && [ "$(cat /proc/1/comm)" = systemd ] || { echo 'not inside' >&2; exit 97; }
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 HOME=/root DEBIAN_FRONTEND=noninteractive
cd /root
exec bash -eu -o pipefail -c "$1"`;

/** A bare Debian 13 with systemd as process 1. It goes when it is closed, or when this process ends. */
export class DebianMachine {
  readonly #folder = mkdtempSync(join(tmpdir(), 'uncached-debian-'));
  readonly #container: ChildProcess;
  readonly #cancel = lastWill(
    'kill -KILL "$(cat "$1/pid")"; sleep 1; rm -rf --one-file-system "$1"',
    this.#folder,
  );
  readonly #ended: Promise<void>;

  /** The file lies in the directory in which commands run. */
  constructor(file: string) {
    const root = join(this.#folder, 'root');
    const include = '--include=systemd,systemd-sysv,dbus';
    execFileSync('mmdebstrap', ['--quiet', '--variant=minbase', include, 'trixie', root], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    copyFileSync(file, join(root, 'root', basename(file)));
    writeFileSync(join(root, 'etc/tmpfiles.d/machine-of-test.conf'), 'f /run/machine-of-test\n');
    const options = ['--quiet', '--register=no', '--keep-unit', '--machine=machine-of-test'];
    this.#container = spawn('systemd-nspawn', [...options, '--boot', `--directory=${root}`], {
      stdio: 'ignore',
    });
    this.#ended = new Promise((done) => this.#container.once('close', () => done()));
    writeFileSync(join(this.#folder, 'pid'), String(this.#container.pid));
  }

  /** What the commands print. Throws if one fails. */
  run(commands: string, ms = 600_000): string {
    const { pid } = this.#container;
    const init = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
    const { status, stdout, stderr, error } = spawnSync(
      'nsenter',
      ['--target', init, '--all', '--root', '--wd', 'env', '-i', 'bash', '-c', inside, 'bash', commands],
      { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'], timeout: ms },
    );
    if (status !== 0) throw new Error(`${error ?? `exit code ${status}`}\n${stdout}${stderr}`);
    return stdout;
  }

  async close(): Promise<void> {
    this.#container.kill();
    await this.#ended;
    rmSync(this.#folder, { recursive: true, force: true });
    this.#cancel();
  }
}
