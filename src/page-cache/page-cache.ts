import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { codeOf } from './open-new.ts';
import { type Place, placeOf } from './place.ts';
import { openTemp, type Temp } from './temp.ts';

export interface PageCacheOptions {
  /**
   * The cache directory, the daemon's `[cache] root`. It must exist: it is never made, only directories below
   * it.
   */
  readonly root: string;
  /**
   * Called with every failure of the cache itself: a full disk, a missing right, a path it cannot hold.
   * Readers do not see these failures, so log them and alert on them. Must not throw.
   */
  readonly onError: (error: Error) => void;
  /** Sixteen lower-case hex digits, another sixteen each time. Default: from node:crypto. */
  readonly random?: () => string;
}

export interface PageCache {
  /**
   * The page at `path` below root: from disk, else from `render`, which is then stored for the next reader.
   *
   * RENDER MUST TAKE ITS DATABASE SNAPSHOT AFTER IT IS CALLED. By then the page's temp is open, and a
   * clearing for any change that the snapshot misses will find it. A transaction begun before, rows read
   * before, an object cache, or a standby that lags behind the primary would store a stale page that nothing
   * ever clears.
   *
   * A call after a clearing of the page has ended returns nothing older than the change it was for; in a
   * directory of some thousands of names, after its second clearing. A call between a commit and its clearing
   * may still return the page from before, as with any cache.
   *
   * Rejects with the error of `render` and with nothing else: a broken cache does not break the site.
   */
  page(path: string, render: Render): Promise<Page>;
}

/**
 * Give it a time limit of its own: every caller that joined waits for it, and an error reaches all of them.
 */
export type Render = () => Promise<string | Uint8Array> | string | Uint8Array;

export interface Page {
  /** Shared between the callers that joined one render: not to be changed. */
  readonly body: Buffer;
  /**
   * hit: read from disk. stored: rendered, on disk for the next reader. overtaken: rendered, but cleared
   * meanwhile, so not stored. unstored: rendered, but the cache failed to store it, as onError was informed.
   */
  readonly outcome: 'hit' | 'stored' | 'overtaken' | 'unstored';
}

export function pageCache({ root, onError, random = sixteenHexDigits }: PageCacheOptions): PageCache {
  const renderings = new Map<string, Rendering>();
  const base = resolve(root);

  async function page(path: string, render: Render): Promise<Page> {
    const place = placeOf(path);
    if (place instanceof Error) {
      onError(place);
      return unstored(render);
    }
    // Each turn has forgotten one render that a clearing overtook or that has just reached the disk.
    for (;;) {
      const underWay = renderings.has(path);
      const body = await read(place);
      if (body !== undefined) return { body, outcome: 'hit' };
      const rendering = renderings.get(path);
      if (rendering === undefined) {
        // A render that ended while the disk was read may have stored the page right after that read.
        if (underWay) continue;
        return begin(place, render).page;
      }
      if (await joinable(rendering)) return rendering.page;
      forget(path, rendering);
    }
  }

  async function read({ path }: Place): Promise<Buffer | undefined> {
    try {
      return await readFile(join(base, path));
    } catch (error) {
      if (!isMissing(error)) report(`Cannot read page ${JSON.stringify(path)}: rendering it instead`, error);
      return undefined;
    }
  }

  function begin(place: Place, render: Render): Rendering {
    const rendering: Rendering = {
      temp: undefined,
      page: openTemp(base, place, random).then(
        (temp) => {
          rendering.temp = temp;
          return renderInto(temp, place, render).finally(() => forget(place.path, rendering));
        },
        (error: unknown) => {
          // No temp, no fence: it is unknown whether this render is still fresh, so no caller may join it
          // from here on.
          forget(place.path, rendering);
          report(`Cannot open a temp for page ${JSON.stringify(place.path)}: serving it uncached`, error);
          return unstored(render);
        },
      ),
    };
    renderings.set(place.path, rendering);
    return rendering;
  }

  async function renderInto(temp: Temp, { path }: Place, render: Render): Promise<Page> {
    const body = await rendered(render).catch(async (error: unknown) => {
      await temp.discard();
      throw error;
    });
    try {
      return { body, outcome: await temp.publish(body) };
    } catch (error) {
      report(`Cannot store page ${JSON.stringify(path)}: serving it uncached`, error);
      return { body, outcome: 'unstored' };
    }
  }

  /** Only its own entry: a later render may have replaced one that was overtaken. */
  function forget(path: string, rendering: Rendering): void {
    if (renderings.get(path) === rendering) renderings.delete(path);
  }

  function report(message: string, cause: unknown): void {
    onError(new Error(message, { cause }));
  }

  return { page };
}

/** A render under way. Without a temp it has not been called yet: the temp is still being opened. */
interface Rendering {
  temp: Temp | undefined;
  readonly page: Promise<Page>;
}

/**
 * A render not yet called takes its snapshot after this caller came: joining it is as good as rendering. One
 * already called is joined only while its temp is in place. A clearing removes the temp, so a caller after a
 * clearing never joins a render from before it, and an earlier caller sees what the cache would have shown.
 */
async function joinable({ temp }: Rendering): Promise<boolean> {
  return temp === undefined || (await temp.inPlace());
}

async function unstored(render: Render): Promise<Page> {
  return { body: await rendered(render), outcome: 'unstored' };
}

async function rendered(render: Render): Promise<Buffer> {
  const body = await render();
  if (typeof body === 'string') return Buffer.from(body);
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}

/** A file in the place of a directory is a miss as well; opening the temp meets it again and reports it. */
function isMissing(error: unknown): boolean {
  return codeOf(error) === 'ENOENT' || codeOf(error) === 'ENOTDIR';
}

function sixteenHexDigits(): string {
  return randomBytes(8).toString('hex');
}
