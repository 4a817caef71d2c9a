/** Hidden files below root that are not pages. */

const temp = /^\.(.+)\.[0-9a-f]{16}\.tmp$/s;

/**
 * The page that a writer's temp `.NAME.<16 hex>.tmp` will become (page-cache/), or undefined for any other
 * name.
 */
export function pageOfTemp(name: string): string | undefined {
  if (name.charCodeAt(0) !== 46 || !name.endsWith('.tmp')) return undefined;
  return temp.exec(name)?.[1];
}

/**
 * In root and in each front that is a mount: records, across runs, whether this is the cache and how the last
 * run ended (core/root.ts).
 */
export const marker = '.uncached';

/** The marker is written under this name and then renamed. */
export const newMarker = `${marker}.new`;
