import type { CacheSections, ZoneSettings } from '../../core/configuration.ts';
import { defaultLagMs, type Layer } from '../../core/layers.ts';
import type { Zone } from '../../core/zone-files.ts';

/** A `[nginx.NAME]`, ready to work. */
export interface ZoneCacheParts extends Zone, Pick<ZoneSettings, 'name' | 'how' | 'variants'> {
  /** Each url has a file for each of these. */
  keysOf(url: string): string[];
  readonly layer: Layer;
  readonly lagMs: number;
}

/** The zones of all sections, and every problem. */
export function readZones({ zones = [], root, settleMs }: CacheSections): {
  zones: ZoneCacheParts[];
  problems: string[];
} {
  const problems: string[] = [];
  // `check` goes on with a section that lacks its path.
  const usable = zones.filter(({ path }) => path !== undefined);
  for (const [at, { name, path }] of usable.entries()) {
    if (root !== undefined && (isWithin(path, root) || isWithin(root, path)))
      problems.push(
        `[nginx.${name}] path = ${path}: it and [cache] root = ${root} must not contain each other: nginx deletes what is not its own`,
      );
    const other = usable.slice(0, at).find((one) => one.path === path);
    if (other) problems.push(`[nginx.${name}] path = ${path}: it is that of [nginx.${other.name}]`);
  }
  return {
    problems,
    zones: usable.map(
      ({ name, path, levels = [], key, how, variants, after, lagMs = defaultLagMs(settleMs) }) => ({
        name,
        path,
        levels,
        how,
        variants,
        // As a function, since "$&" means something in a replacement.
        keysOf: (url) => key.map((one) => one.replace('{url}', () => url)),
        layer: { section: `nginx.${name}`, after, answersStale: how === 'soft' },
        lagMs,
      }),
    ),
  };
}

function isWithin(path: string, directory: string): boolean {
  return path === directory || path.startsWith(`${directory}/`);
}

/** nginx's files are its workers' alone, and so are the directories. */
export const rightsAdvice =
  'run the daemon as the user of nginx\'s workers, or give it CAP_DAC_OVERRIDE and the path with "systemctl edit uncached" (doc/caches.md, "nginx\'s disk cache")';

const remedies: Readonly<Record<string, string>> = {
  ENOENT: 'it is not there: nginx makes it when it starts; mount it, or correct "path"',
  ENOTDIR: 'it is no directory: correct "path"',
  EACCES: `this account may not: ${rightsAdvice}`,
};

/** Why a zone cannot be opened, and what to do about it. */
export function whyUnusable({ code = '', message }: { code?: string; message: string }): string {
  return Object.hasOwn(remedies, code) ? `${code}, ${remedies[code]}` : message;
}
