import { toError } from '../../core/errors.ts';
import { clip, longestError } from '../../core/printable-text.ts';
import type { TargetCache, WorkFailure } from '../../core/target-cache.ts';
import type { ZoneFailure, ZoneFiles } from '../../core/zone-files.ts';
import { whyUnusable, type ZoneCacheParts } from './zones.ts';

/** Urls cleared at a time. In a larger part more files are in the same directory, which is opened once. */
const partSize = 5_000;

/** nginx's disk cache. A work is a url, which has a file for each `key[]`. */
export function zoneCache(
  { name, path, how, variants, keysOf, layer, lagMs }: Omit<ZoneCacheParts, 'levels'>,
  files: ZoneFiles,
): TargetCache {
  let problem: string | undefined;
  let ended: Error | undefined;

  async function attempt<Result>(work: () => Promise<Result>): Promise<Result> {
    try {
      const result = await work();
      problem = undefined;
      return result;
    } catch (thrown) {
      if (ended) throw ended;
      problem = `[nginx.${name}] ${path} cannot be cleared: ${whyUnusable(toError(thrown))}`;
      // Without its cause: a disk that refuses is reported as that of root.
      throw new Error(problem);
    }
  }

  return {
    readsLog: true,
    place: path,
    layer,
    lagMs,
    get problem() {
      return problem;
    },
    async clear(works, { secondFollows = false } = {}) {
      // To look at all files takes long: only the round that counts does it.
      const scan = variants === 'no' ? undefined : secondFollows ? 'known' : 'all';
      let count = 0;
      const failures: WorkFailure[] = [];
      for (const urls of partsOf(works)) {
        const urlOf = new Map(urls.flatMap((url) => keysOf(url).map((key) => [key, url] as const)));
        const result = await attempt(() => files.clear([...urlOf.keys()], how, scan));
        count += result.files;
        for (const failure of result.failures) {
          const { key = '', code } = failure;
          const work = urlOf.get(key) ?? '';
          // Without the code of one whose remedy is another for page files.
          failures.push({ work, error: textOf(path, failure), ...(code !== 'EACCES' && { code }) });
        }
      }
      return { files: count, failures };
    },
    wipe: () =>
      attempt(async () => {
        const { failures } = await files.wipe(how);
        const [first] = failures;
        if (!first) return;
        const more = failures.length > 1 ? `, and ${failures.length - 1} more like this` : '';
        throw new Error(`${textOf(path, first)}${more}`);
      }),
    end(error) {
      ended = error;
      void files.close();
    },
  };
}

function* partsOf(works: Iterable<string | readonly string[]>): Generator<string[], void> {
  let part: string[] = [];
  for (const work of works) {
    if (typeof work === 'string') part.push(work);
    else for (const one of work) part.push(one);
    if (part.length < partSize) continue;
    yield part;
    part = [];
  }
  if (part.length > 0) yield part;
}

function textOf(zone: string, { path, key, code, message }: ZoneFailure): string {
  const of = key === undefined ? '' : ` of ${key}`;
  const why = code === 'EACCES' ? whyUnusable({ code, message }) : `${code}, ${message}`;
  return clip(`cannot clear ${zone}/${path}${of}: ${why}`, longestError);
}
