import { lstat, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, openNew } from './open-new.ts';
import type { Place } from './place.ts';

/**
 * A page being written. Deleting it, at any moment, only prevents the page from being stored: that is the
 * fence.
 */
export interface Temp {
  inPlace(): Promise<boolean>;
  /**
   * Writes, closes and renames it to the page, or throws and leaves no temp. Overtaken: a clearing deleted
   * it.
   */
  publish(body: Buffer): Promise<'stored' | 'overtaken'>;
  /** Never throws: a temp left behind is deleted by the page's next clearing. */
  discard(): Promise<void>;
}

/**
 * Opens `.NAME.<random>.tmp` in the page's directory. A name that was used before could publish a torn page.
 */
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
 * No fsync, neither of the file nor of its directory: a page lost at power loss is only a miss, and a torn or
 * resurrected one is deleted when the daemon meets a new boot id and clears the whole cache.
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
