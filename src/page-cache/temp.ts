import { lstat, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf } from './error-code.ts';
import { openNew } from './open-new.ts';
import type { Place } from './place.ts';

/** A page being written. Whoever deletes it, at any moment, only keeps it from being stored: that is the fence. */
export interface Temp {
  inPlace(): Promise<boolean>;
  /** Writes, closes and renames it to the page, or throws and leaves no temp. Overtaken: a clearing took it away. */
  publish(body: Buffer): Promise<'stored' | 'overtaken'>;
  /** Never throws: a temp left behind is deleted by the page's next clearing. */
  discard(): Promise<void>;
}

/** Opens `.NAME.<random>.tmp` beside the page. A name that was used before could publish a torn page. */
export async function openTemp(root: string, place: Place, random: () => string): Promise<Temp> {
  const directory = join(root, ...place.directories);
  const path = join(directory, `.${place.name}.${random()}.tmp`);
  const file = await openNew(path, root, place.directories);
  const temp: Temp = {
    inPlace: () =>
      lstat(path).then(
        () => true,
        () => false,
      ),
    async publish(body) {
      try {
        await file.writeFile(body); // goes on after a short write
        await file.close(); // a full disk may show only here
        return await putInPlace(path, join(directory, place.name));
      } catch (error) {
        await temp.discard();
        throw error;
      }
    },
    async discard() {
      await file.close().catch(() => {});
      await unlink(path).catch(() => {});
    },
  };
  return temp;
}

/**
 * No fsync, neither of the file's directory nor of the file: lost at power loss, a page is only a miss, and a torn or
 * resurrected one goes when the daemon meets a new boot id and clears the whole cache.
 */
async function putInPlace(temp: string, page: string): Promise<'stored' | 'overtaken'> {
  try {
    await rename(temp, page);
    return 'stored';
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return 'overtaken';
    throw error;
  }
}
