import type { Clock } from '../../core/contracts.ts';
import { toError } from '../../core/errors.ts';
import type { TargetCache } from '../../core/target-cache.ts';
import { type CacheAge, readCacheAge } from './cache-age.ts';
import type { Send } from './http-client.ts';
import type { ProbePage } from './probe-page.ts';

interface ProbeParts {
  readonly page: ProbePage;
  /** Where requests for the page go. */
  readonly get: Send;
  /** Purges the page, here and in the caches that this one stands behind. Rejects if that is not acknowledged. */
  readonly purge: () => Promise<void>;
  readonly wait: (ms: number) => Promise<void>;
}

export type Proof = { readonly proven: boolean; readonly text: string };

/** Age counts whole seconds, and the first request may have had to fetch the page. */
const looks = 5;
const betweenMs = 700;

/**
 * Proves that the cache forgets a page when it is purged: the page is there, is purged, and is there no longer. What
 * cannot be judged is not proven, and the text says why.
 */
export async function prove({ page, get, purge, wait }: ProbeParts): Promise<Proof> {
  const { site, url } = page;
  const called = `${site}${url}`;
  const unproven = (text: string): Proof => ({ proven: false, text });
  const look = async (): Promise<CacheAge | string> => {
    const headers = { host: new URL(site).host };
    const { status, ...answer } = await get({ method: 'GET', path: url, headers }).catch((error) => {
      throw new Error(`GET ${called}: no answer: ${toError(error).message}`);
    });
    return status === 200 ? readCacheAge(answer) : `GET ${called} answers ${status}, and not 200`;
  };
  try {
    let before = await look();
    for (let n = 1; n < looks && typeof before !== 'string' && before.cached === false; n++) {
      await wait(betweenMs);
      before = await look();
    }
    if (typeof before === 'string')
      return unproven(`cannot be judged: ${before}: "probe" and "site" must name a page that is there`);
    if (before.cached === undefined)
      return unproven(
        `cannot be judged: GET ${called} tells neither Age nor X-Cache, so nobody sees whether it was cached: let the cache add X-Cache: HIT (nginx: add_header X-Cache $upstream_cache_status always)`,
      );
    if (!before.cached)
      return unproven(
        `cannot be judged: GET ${called} is never cached there (${before.text}): "probe" must name a page that is`,
      );
    await purge();
    const after = await look();
    if (typeof after === 'string') return unproven(`cannot be judged: after the purge ${after}`);
    if (after.cached)
      return unproven(
        `acknowledged, and the page is still there: GET ${called} has ${after.text}. It is cached under another host, path or encoding than the purge names, or the purge does not reach the cache: compare "site" and "request", and let "expect" name a word that only the cache says`,
      );
    const then = after.cached === undefined ? 'no Age' : after.text;
    return { proven: true, text: `forgets: GET ${called} had ${before.text}, and has ${then} after a purge` };
  } catch (error) {
    return unproven(toError(error).message);
  }
}

/** Rejects if it does not acknowledge, or asks to wait for longer than somebody at a terminal would. */
export async function purgeNow(
  cache: Pick<TargetCache, 'clear' | 'end'>,
  work: string,
  clock: Clock,
): Promise<void> {
  const over = new AbortController();
  clock.wait(longestMs, over.signal).then(
    () => cache.end?.(new Error('it does not acknowledge a purge in 30 s')),
    () => {},
  );
  try {
    const { failures } = await cache.clear([work]);
    const [first] = failures;
    if (first) throw new Error(first.error);
  } finally {
    over.abort();
  }
}

const longestMs = 30_000;
