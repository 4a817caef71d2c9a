import { existsSync, mkdirSync, renameSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import type { Load, Setting, Turn } from './load.ts';
import { encode } from './page.ts';
import { chooseToRender, readVersions } from './site-page.ts';

/**
 * A site that cannot change: it reads the data, writes to spooling/ and renames. A clearing cannot detect
 * that. Its slowest render, from the read to the rename, takes less than this share of the settle time. The
 * rest is a margin for a busy machine.
 */
const boundOfSettle = 0.6;

export function legacyWriter({ root, mark, name: process }: Setting): Turn {
  let files = 0;
  return async (client, load) => {
    const { random, settleMs, name, count, note } = load;
    const boundMs = settleMs * boundOfSettle;
    const path = chooseToRender(load);
    const file = join(root, path);
    // Pauses even then: a loop that only checks would leave the process no time for anything else.
    await wait(random.between(0, 4));
    if (existsSync(file)) return count('legacy hit');

    const spool = join(root, 'spooling', `${process}-${name}-${mark}-${files++}`);
    const readAt = Date.now();
    const begun = performance.now();
    const versions = await readVersions(client, path);
    if (random.chance(0.7)) await wait(random.between(0, boundMs * 1.02));
    const out = await open(spool, 'wx');
    const body = encode({ path, by: name, readAt, versions }, random);
    await out.write(body.subarray(0, body.length / 2));
    await out.write(body.subarray(body.length / 2));
    await out.close();

    makeDirectory(file, load);
    // All are synchronous: a render that took too long must not be stored, and nothing may run between the
    // check and the rename. If the machine stood still there, the page is taken back.
    const took = () => performance.now() - begun;
    let outcome = took() < boundMs ? 'stored' : 'late';
    if (outcome === 'stored') renameSync(spool, file);
    else unlinkSync(spool);
    if (outcome === 'stored' && took() >= settleMs) {
      rmSync(file, { force: true });
      outcome = 'taken back';
    }
    note({ outcome, page: { path, by: name, readAt, versions } });
    count(`legacy ${outcome}`);
  };
}

/**
 * Sometimes with a symbolic link next to the page. A clearing deletes the link and leaves its target alone.
 */
function makeDirectory(file: string, { root, random, mark }: Load): void {
  mkdirSync(dirname(file), { recursive: true });
  if (!file.startsWith(join(root, 'ports')) || !random.chance(0.02)) return;
  const link = join(dirname(file), `link.${mark}.${random.below(1_000_000)}`);
  symlinkSync(join(root, '../outside'), link);
}
