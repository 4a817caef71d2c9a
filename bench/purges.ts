import { PurgeCache } from '../src/caches/purge/purge-cache.ts';
import { readTargets } from '../src/caches/purge/targets.ts';
import type { PurgeSettings } from '../src/core/configuration.ts';
import { systemClock } from '../src/daemon/system-clock.ts';
import { purgeSettings } from '../test/caches/purge/settings.ts';
import type { Options } from './options.ts';
import { openPurgeTarget, type PurgeTarget } from './purge-target.ts';
import { sendRaw } from './raw-requests.ts';
import { interleaved } from './statistics.ts';

type Name = 'uncached' | 'raw sockets' | 'by tags';

export interface Purges {
  /** What was asked. */
  readonly target: string;
  readonly requests: number;
  /** Milliseconds for all of them. */
  readonly runs: Partial<Record<Name, number[]>>;
}

const connections = 16;

/**
 * As many urls as requests, over 16 connections: by the client of the daemon, and written to sockets as bytes that are
 * made before. And as many tags, a hundred in a request. The target has none of these pages: finding them would be its
 * work, not ours.
 */
export async function measurePurges({ rounds, quick, say }: Options): Promise<Purges> {
  const requests = quick ? 2_000 : 10_000;
  const target = await openPurgeTarget(say);
  try {
    const warm = { target, requests: 500 };
    for (const contestant of Object.values(contestantsOf(warm))) await contestant();
    const runs = await interleaved<number, Name>(rounds, contestantsOf({ target, requests }), say);
    return { target: target.words, requests, runs };
  } finally {
    await target.close();
  }
}

function contestantsOf({ target, requests }: { target: PurgeTarget; requests: number }) {
  const nth = Array.from({ length: requests }, (_, nth) => nth);
  const urls = nth.map((nth) => `/ports/www/port-${nth}/`);
  const { port } = new URL(target.address);
  const raw = urls.map((url) => `PURGE ${url} HTTP/1.1\r\nHost: www.example.org\r\n\r\n`);
  return {
    uncached: () => clear({ to: [target.address] }, urls),
    'raw sockets': () => timed(() => sendRaw(Number(port), raw, connections)),
    'by tags': () =>
      clear(
        { to: [target.tagAddress], request: 'PURGE /', header: ['xkey-purge: {tags}'] },
        nth.map((nth) => `article-${nth}`),
      ),
  };
}

async function clear(settings: Partial<PurgeSettings>, works: readonly string[]): Promise<number> {
  const purges = [purgeSettings({ connections, ...settings })];
  const { targets, problems } = readTargets({ settleMs: 10_000, purges });
  const [target] = targets;
  if (!target) throw new Error(`Cannot measure: ${problems.join()}`);
  const cache = new PurgeCache(target, { clock: systemClock, tell: () => {}, run: noProgram });
  return await timed(async () => {
    const { failures } = await cache.clear(works);
    if (failures.length > 0) throw new Error(`Cannot measure: ${failures[0]?.error}`);
  });
}

const noProgram = () => Promise.reject(new Error('there is no program'));

async function timed(work: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  await work();
  return performance.now() - started;
}
