import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { enterNamespace, inNamespace } from '../faults/namespace.ts';
import type { Site } from '../site.ts';
import type { Situation } from './situation.ts';
import type { Stand } from './stand.ts';

/** Makes root a mount of its own. */
export function mounted(site: Site): readonly string[] {
  for (const directory of ['ports', 'categories', 'daily', 'commits', 'news'])
    mkdirSync(join(dirname(site.root), 'disk', directory), { recursive: true });
  return inNamespace('mount --bind "$1/disk" "$1/cache"', dirname(site.root));
}

const publishOnDisk = (at: Stand) => {
  for (const name of ['page-1', 'page-2'])
    mkdirSync(join(dirname(at.site.root), 'disk/ports/www', name, 'x'), { recursive: true });
};

/** Problems of a file system. */
export const mounts: readonly Situation[] = [
  {
    name: 'root is not mounted any more',
    async cause(at) {
      // Lazily: a worker may stand in it just now.
      enterNamespace(at.daemon.pid, 'umount', '-l', at.site.root);
      await at.enqueue();
    },
    says: /is not mounted/,
    mend: async (at) =>
      enterNamespace(at.daemon.pid, 'mount', '--bind', join(dirname(at.site.root), 'disk'), at.site.root),
  },
  {
    name: 'the disk has become read-only (EROFS)',
    async cause(at) {
      publishOnDisk(at);
      enterNamespace(at.daemon.pid, 'mount', '-o', 'remount,ro,bind', at.site.root);
      await at.enqueue();
    },
    says: /listen_port: nothing can be cleared/,
    log: /cannot \S+ \S+: EROFS/,
    mend: async (at) => enterNamespace(at.daemon.pid, 'mount', '-o', 'remount,rw,bind', at.site.root),
  },
];

const options = 'fd=3,rootmode=40000,user_id=0,group_id=0';

/** A file server that does not answer. */
export const hang: readonly Situation[] = [
  {
    name: 'the file server of a set does not answer',
    async cause(at) {
      const fuse = openSync('/dev/fuse', 'r+');
      at.atEnd(() => closeSync(fuse));
      const mount = ['-t', String(at.daemon.pid), '-m', 'mount', '-i', '-t', 'fuse', 'hang'];
      spawnSync('nsenter', [...mount, join(at.site.root, 'ports'), '-o', options], {
        stdio: ['ignore', 'inherit', 'inherit', fuse],
      });
      await at.enqueue();
    },
    says: /does not answer/,
  },
];
