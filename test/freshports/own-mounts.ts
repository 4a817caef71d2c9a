import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { become } from '../faults/namespace.ts';
import { lastWill } from '../last-will.ts';
import type { Account } from '../postgres/account.ts';

/** Each is a ZFS data set on FreshPorts' hosts. */
const sets = ['categories', 'commits', 'daily', 'general', 'news', 'packages', 'pages', 'ports', 'spooling'];

/**
 * FreshPorts' cache in a namespace of its own: each set is a file system, html/ is a bind mount, and the
 * daemon's user is not root.
 */
export interface MountedCache {
  /** The command prefix that runs a program there as the daemon's user. */
  readonly before: readonly string[];
  /** Writes pages as the site does. The daemon may delete them through the group. */
  write(pages: Iterable<string>): void;
  /** Every file except the daemon's own marker. */
  pages(): string[];
  /** The real path of a page, as seen from outside the namespace. */
  at(page: string): string;
  has(page: string): boolean;
  close(): Promise<void>;
}

/** Mounts the sets over `root`. Files there stay unchanged outside the namespace. */
export async function mountCache(
  root: string,
  { account, rootMode }: { account: Account; rootMode: string },
): Promise<MountedCache> {
  const script = `set -e
mount -t tmpfs -o mode=${rootMode},gid=${account.gid} none "$1"
for set in ${sets.join(' ')}; do
  mkdir "$1/$set"
  mount -t tmpfs -o mode=2775,gid=${account.gid} none "$1/$set"
done
mkdir "$1/html"
mount --bind "$2" "$1/html"
echo mounted
exec cat`;
  const outside = join(dirname(root), 'html');
  mkdirSync(outside);
  const keeper = spawn('unshare', ['-m', 'sh', '-c', script, 'sh', root, outside], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const revoke = lastWill('kill "$1"', String(keeper.pid));
  const ended = once(keeper, 'close');
  const [said] = await Promise.race([once(keeper.stdout, 'data'), ended]);
  if (String(said) !== 'mounted\n') throw new Error(`Cannot mount the sets below ${root}: ${said}`);

  // This path in /proc leads into the namespace from outside.
  const view = join(`/proc/${keeper.pid}/root`, root);
  return {
    before: ['nsenter', '-t', String(keeper.pid), '-m', ...become(account)],
    write(pages) {
      for (const page of pages) {
        mkdirSync(dirname(join(view, page)), { recursive: true });
        writeFileSync(join(view, page), 'page');
      }
      for (const set of sets) {
        execFileSync('chgrp', ['-R', String(account.gid), join(view, set)]);
        execFileSync('chmod', ['-R', 'g+rwX', join(view, set)]);
      }
    },
    pages: () =>
      readdirSync(view, { recursive: true, withFileTypes: true })
        .filter((entry) => !entry.isDirectory())
        .map((entry) => join(entry.parentPath, entry.name).slice(view.length + 1))
        .filter((path) => path.split('/').at(-1) !== '.uncached')
        .sort(),
    at: (page) => join(view, page),
    has: (page) => existsSync(join(view, page)),
    async close() {
      keeper.stdin.end();
      await ended;
      revoke();
    },
  };
}
