import type { Page, PageCache } from '../page-cache/page-cache.ts';
import type { GetOptions, MemoryCache, Render } from './contract.ts';

export interface LayeredPage {
  /** Shared between callers: not to be changed. */
  readonly body: Buffer;
  /** memory: nothing was read. Otherwise what the page cache says. */
  readonly outcome: 'memory' | Page['outcome'];
}

export interface LayeredPages {
  /** The page at `path`: from memory, else from disk, else from `render`, which is then kept in both. */
  page(path: string, render: Render<string | Uint8Array>, options?: GetOptions): Promise<LayeredPage>;
}

/**
 * A page cache on disk with a memory cache before it. Memory is asked first. A render runs inside the fences of
 * both: the temp on disk is open and memory counts changes before it takes its snapshot, so each cache
 * keeps the page only if nothing that it has to clear came meanwhile.
 *
 * What comes from disk is not kept in memory. The daemon and this process hear of a change independently. Memory
 * may have dropped the old page while the daemon has still to delete it: read back from disk, it would stay in
 * memory for good, and nobody has declared what it depends on. Nor does a render on behalf of the disk ask memory: a
 * page that memory has still to drop would be stored after the clearing that was for it.
 */
export function layeredPages({
  memory,
  disk,
}: {
  memory: MemoryCache<Buffer>;
  disk: PageCache;
}): LayeredPages {
  return {
    async page(path, render, options) {
      const body = memory.peek(path);
      if (body !== undefined) return { body, outcome: 'memory' };
      return disk.page(path, async () => {
        const { value } = await memory.fill(path, async (page) => toBuffer(await render(page)), options);
        return value;
      });
    },
  };
}

function toBuffer(body: string | Uint8Array): Buffer {
  if (typeof body === 'string') return Buffer.from(body);
  return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
}
