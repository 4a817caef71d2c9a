import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endLeader } from '../../end-process.ts';
import { lastWill } from '../../last-will.ts';
import { freePort } from '../../postgres/free-port.ts';
import { withSbin } from '../sbin-path.ts';

export const nginxFound = spawnSync('nginx', ['-v'], { env: withSbin() }).status === 0;
if (!nginxFound && process.env.VITEST) console.warn('SKIPPED: there is no nginx here (Debian: nginx)');

export interface Nginx {
  /** Where its caches are. */
  readonly folder: string;
  /** Of the n-th server. */
  address(nth?: number): string;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** With -9, and its workers. */
  kill(): Promise<void>;
  /** Lines of its error log at this level. */
  complaints(level: string): string[];
  remove(): Promise<void>;
}

/** Gives what goes into `http {}`, for a folder and some free ports. */
type HttpBlock = (folder: string, ports: readonly number[]) => string;

/** An nginx, not started yet. As root its workers run as www-data, as Debian has it. */
export async function makeNginx(
  http: HttpBlock,
  { servers = 1, main = '', parent = tmpdir() } = {},
): Promise<Nginx> {
  const folder = mkdtempSync(join(parent, 'uncached-nginx-'));
  chmodSync(folder, 0o755);
  const ports = await Promise.all(Array.from({ length: servers }, freePort));
  const errors = join(folder, 'error.log');
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
    (one) => `${one}_temp_path "${folder}/${one}";`,
  );
  const file = join(folder, 'nginx.conf');
  writeFileSync(
    file,
    `${process.getuid?.() === 0 ? 'user www-data;' : ''}
daemon off; worker_processes 2; pid "${folder}/pid"; error_log "${errors}" info; ${main}
events { worker_connections 512; }
http { access_log off; ${temporary.join(' ')}
${http(folder, ports)}
}`,
  );
  let child: ChildProcess | undefined;
  const address = (nth = 0) => `http://127.0.0.1:${ports[nth]}`;
  const end = async (signal: NodeJS.Signals) => {
    await endLeader(child, signal);
    child = undefined;
  };
  return {
    folder,
    address,
    async start() {
      child = spawn('nginx', ['-c', file, '-p', folder, '-e', errors], {
        detached: true,
        env: withSbin(),
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      lastWill('kill "$1"', String(child.pid));
      let said = '';
      child.stderr?.setEncoding('utf8').on('data', (data) => {
        said += data;
      });
      while (!(await answers(`${address()}/is-it-up`))) {
        if (child.exitCode !== null) throw new Error(`nginx has ended: ${said}`);
        await new Promise((later) => setTimeout(later, 20));
      }
    },
    stop: () => end('SIGTERM'),
    kill: () => end('SIGKILL'),
    complaints: (level) =>
      readFileSync(errors, 'utf8')
        .split('\n')
        .filter((line) => line.includes(`[${level}]`)),
    async remove() {
      await end('SIGTERM');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function answers(url: string): Promise<boolean> {
  return await fetch(url).then(
    () => true,
    () => false,
  );
}
