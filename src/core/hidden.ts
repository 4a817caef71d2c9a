/** Hidden files below root that are no pages. */

const temp = /^\.(.+)\.[0-9a-f]{16}\.tmp$/s;

/** The page that a writer's temp `.NAME.<16 hex>.tmp` is to become (page-cache/), or undefined for any other name. */
export function pageOfTemp(name: string): string | undefined {
  if (name.charCodeAt(0) !== 46 || !name.endsWith('.tmp')) return undefined;
  return temp.exec(name)?.[1];
}

/** In root: tells, across runs, whether the machine stopped without warning (filesystem/boot.ts). */
export const marker = '.uncached';

/** What the marker is written to before it is renamed. */
export const newMarker = `${marker}.new`;
