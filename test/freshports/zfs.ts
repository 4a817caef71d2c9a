import { chmodSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Site } from '../site.ts';
import { snapshot } from './configuration.ts';

/** A zfs that can roll back the only dataset. */
export function makeZfs({ root }: Pick<Site, 'root'>): void {
  const directory = join(dirname(root), 'bin');
  mkdirSync(directory);
  const script = join(directory, 'zfs');
  writeFileSync(script, `#!/bin/sh\n[ "$*" = "rollback ${snapshot}" ] && rm -rf "${root}"/packages/*\n`);
  chmodSync(script, 0o755);
  chmodSync(dirname(root), 0o755);
}
