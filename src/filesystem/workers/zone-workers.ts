import type { OpenZone, Zone } from '../../core/zone-files.ts';
import { openCache } from './file-cache.ts';

/** Opens zones: a disk that does not answer must not stop the daemon, so workers touch their files. */
export function zoneOpener(...[start, timings]: OpeningHow): OpenZone {
  return ({ path, levels }: Zone) => {
    const workers = openCache(path, start, timings);
    return {
      clear: (keys, how, variants) => workers.ask({ kind: 'zone-clear', levels, keys, how, variants }),
      wipe: (how) => workers.ask({ kind: 'zone-wipe', levels, how }),
      find: (keys) => workers.ask({ kind: 'zone-find', levels, keys }),
      close: workers.close,
    };
  };
}

type OpeningHow = Parameters<typeof openCache> extends [string, ...infer How] ? How : never;
