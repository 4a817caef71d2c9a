import { lstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../faults/eventually.ts';
import type { RunningDaemon } from '../uncached.ts';

/** The boot in the marker of a machine that crashed. */
export const otherBoot = 'other';

export function readMarker(root: string) {
  return JSON.parse(readFileSync(join(root, '.uncached'), 'utf8'));
}

/** Resolves when the marker records that a daemon runs. On a busy machine a daemon may listen before that. */
export function markerWritten(root: string, daemon: RunningDaemon | undefined): Promise<true> {
  return eventually(
    'a marker',
    async () => isWritten(root) || undefined,
    async () => JSON.stringify(daemon?.log.slice(-10)),
  );
}

/** To read what is in its place could take for ever: a fifo. */
function isWritten(root: string): boolean {
  try {
    if (!lstatSync(join(root, '.uncached')).isFile()) return false;
    const { clean, boot } = readMarker(root);
    return clean === false && boot !== otherBoot;
  } catch {
    return false;
  }
}
