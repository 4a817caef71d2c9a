import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type LaunchedServer, launchServer } from '../postgres/launch.ts';
import { type Block, blocksOf, toPattern } from './blocks.ts';

/** doc/operating.md, followed step by step on a throw-away machine. */

const blocks = blocksOf(readFileSync('doc/operating.md', 'utf8'));
const tried = ({ notTried }: Block) => notTried === undefined;

/** Private mounts and processes, which end with it. */
const apart = ['--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];

const able = whyNot() === undefined;
const work = mkdtempSync(join(tmpdir(), 'uncached-operating-'));
let server: LaunchedServer;

function whyNot(): string | undefined {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return 'it needs Linux and root';
  const programs = 'unshare adduser runuser su psql createdb svscan tai64nlocal runsvdir svlogd'.split(' ');
  const missing = programs.filter((name) => spawnSync('sh', ['-c', `command -v ${name}`]).status !== 0);
  if (missing.length > 0)
    return `there is no ${missing.join(', ')}: apt-get install adduser postgresql-client util-linux daemontools runit`;
  const overlay =
    'mount -t tmpfs t /mnt && mkdir /mnt/u /mnt/w && mount -t overlay o -o lowerdir=/etc,upperdir=/mnt/u,workdir=/mnt/w /etc';
  if (spawnSync('unshare', [...apart, 'sh', '-c', overlay]).status !== 0)
    return 'overlays cannot be mounted in a mount namespace here';
  if (!/^(postgres|www-data):.*\n[\s\S]*^(postgres|www-data):/m.test(readFileSync('/etc/passwd', 'utf8')))
    return 'there are no accounts postgres and www-data';
  return undefined;
}

if (!able) console.warn(`SKIPPED: the commands of doc/operating.md are not tried: ${whyNot()}`);

beforeAll(async () => {
  if (!able) return;
  server = await launchServer();
  chmodSync(server.host, 0o711);
  chmodSync(work, 0o755);
  for (const [at, block] of blocks.entries())
    if (tried(block)) writeFileSync(join(work, `${at}.${block.language}`), atLeisure(block));
  execFileSync(
    'unshare',
    [...apart, 'bash', 'test/operating/machine.sh', work, server.host, installed(), process.execPath],
    { stdio: ['ignore', 'inherit', 'inherit'] },
  );
}, 600_000);
afterAll(async () => {
  await server?.stop();
  rmSync(work, { recursive: true, force: true });
});

/** A reader gives one command after the other more slowly than a script: machine.sh waits before some. */
function atLeisure({ language, text }: Block): string {
  if (language !== 'sh') return text;
  return text.replace(/^.*\buncached (status|drain)\b/gm, (line, command) => `ready_for ${command}\n${line}`);
}

/** The result of `npm install` with the package, without the network. */
function installed(): string {
  const to = join(work, 'package');
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--dry-run', '--json'], {
    encoding: 'utf8',
  });
  const [{ files }] = JSON.parse(packed) as [{ files: { path: string }[] }];
  for (const { path } of files) cpSync(path, join(to, path));
  const listed = execFileSync('npm', ['ls', '--omit=dev', '--all', '--parseable'], { encoding: 'utf8' });
  for (const path of listed.trim().split('\n').slice(1))
    cpSync(path, join(to, path.replace(/^.*?\/(?=node_modules\/)/, '')), { recursive: true });
  return to;
}

const read = (at: number, what: string) => {
  const file = join(work, `${at}.${what}`);
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
};

describe.skipIf(!able)('doc/operating.md', () => {
  it.each(
    blocks.flatMap((block, at) =>
      tried(block) ? [{ ...block, at, first: block.text.trim().split('\n').at(-1) ?? '' }] : [],
    ),
  )('$heading: $first', ({ at, prints }) => {
    const [out, said] = [read(at, 'out'), read(at, 'err')];
    expect(read(at, 'code').trim(), `${out}\n${said}`).toBe('0');
    if (prints !== undefined) expect(out).toMatch(toPattern(prints));
  });
});

it('says of few blocks that they are not tried, and of each why', () => {
  const reasons = blocks.flatMap(({ notTried }) => notTried ?? []);
  expect(blocks.length - reasons.length).toBeGreaterThan(reasons.length);
});
