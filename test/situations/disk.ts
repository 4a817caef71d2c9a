import { chmodSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Situation } from './situation.ts';
import type { Stand } from './stand.ts';

const away = ({ site }: Stand) => `${site.root}.away`;

/** Problems with root, for a daemon that does not run as root. */
export const disk: readonly Situation[] = [
  {
    name: 'no page may be deleted (EACCES)',
    async cause(at) {
      at.site.write(['ports/www/page-1/x', 'ports/www/page-2/x', 'categories/www/x']);
      for (const directory of refusing) chmodSync(join(at.site.root, directory), 0o555);
      await at.enqueue();
    },
    says: /listen_port: nothing can be cleared/,
    log: /cannot delete \S+: EACCES/,
    async mend(at) {
      for (const directory of refusing) chmodSync(join(at.site.root, directory), 0o777);
    },
  },
  {
    name: 'root was moved away',
    async cause(at) {
      renameSync(at.site.root, away(at));
      await at.query(
        "INSERT INTO cache_clearing_ports (category, port) VALUES ('a', 'b'); NOTIFY port_updated",
      );
    },
    says: /root is missing: mount it or create it/,
    mend: async (at) => renameSync(away(at), at.site.root),
  },
  {
    name: 'root may not be entered',
    async cause(at) {
      chmodSync(at.site.root, 0);
      await at.query(
        "INSERT INTO cache_clearing_ports (category, port) VALUES ('a', 'b'); NOTIFY port_updated",
      );
    },
    says: /cannot be opened: EACCES/,
    mend: async (at) => chmodSync(at.site.root, 0o777),
  },
  {
    name: 'the daemon starts and root is not there',
    async cause(at) {
      await at.stop();
      renameSync(at.site.root, away(at));
      at.spawn();
    },
    says: /root is missing: mount it or create it/,
    mend: async (at) => renameSync(away(at), at.site.root),
  },
  {
    name: 'after a crash of the machine what may be stale cannot all be deleted',
    async cause(at) {
      await at.stop('SIGKILL');
      const files = readdirSync(at.site.root, { recursive: true, encoding: 'utf8' });
      const marker = join(at.site.root, files.find((file) => basename(file) === '.uncached') ?? '');
      const said = JSON.parse(readFileSync(marker, 'utf8'));
      writeFileSync(marker, JSON.stringify({ ...said, boot: 'another' }));
      at.site.write(['ports/www/kept/x']);
      chmodSync(join(at.site.root, 'ports/www/kept'), 0o555);
      at.spawn();
    },
    says: /part of the cache could not be cleared and may be stale/,
    goesOn: true,
    mend: async (at) => chmodSync(join(at.site.root, 'ports/www/kept'), 0o777),
  },
];

const refusing = ['ports/www/page-1', 'ports/www/page-2', 'categories/www'];
