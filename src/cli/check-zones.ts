import { join } from 'node:path';
import { nginx } from '../caches/nginx/nginx-steps.ts';
import { rightsAdvice, whyUnusable, type ZoneCacheParts } from '../caches/nginx/zones.ts';
import type { Handler } from '../clearing/handler.ts';
import { several } from '../core/plural.ts';
import type { StartWorker } from '../filesystem/workers/start-worker.ts';
import type { ZoneInspection } from '../filesystem/zone/inspect-zone.ts';
import { askWorker } from './ask-worker.ts';
import type { Findings } from './findings.ts';

/** What can be said of a `[nginx.NAME]` from its files: nginx is not asked. */
export async function inspectZone(
  { zone, root }: { zone: ZoneCacheParts; root: string },
  handlers: Iterable<Handler>,
  startWorker?: StartWorker,
): Promise<Findings> {
  const { name, path, levels, how } = zone;
  const problems: string[] = [];
  const notices: string[] = [];
  const here = `[nginx.${name}]`;
  const urls = urlsOf(name, handlers);
  if (urls.length === 0) problems.push(`${here} is cleared for nothing: no handler has url[] lines`);
  const request = { kind: 'zone-inspect', levels, how, pageRoot: root } as const;
  const seen = await askWorker(path, request, startWorker && { startWorker });
  if (seen.unopened) problems.push(`${here} path = ${path}: ${whyUnusable(seen.unopened)}`);
  if (seen.overlaps)
    problems.push(
      `${here} path = ${path}: by their real paths, it and [cache] root = ${root} contain each other: nginx deletes what is not its own`,
    );
  if (seen.otherLevels !== undefined)
    problems.push(`${here} levels = ${levels.join(':') || '(none)'}: ${path} ${seen.otherLevels}`);
  const [refused] = seen.refused;
  if (refused) problems.push(`${here} ${refusedText(zone, refused)}`);
  if (seen.foreign[0] !== undefined)
    notices.push(
      `${here} ${several(seen.foreign.length, 'file')} with the name of a page, such as ${join(path, seen.foreign[0])}, is none that uncached knows: it is left alone, and its row fails; is this nginx newer than 1.29?`,
    );
  const compared = compareKeys(zone, urls, seen);
  problems.push(...compared.problems.map((one) => `${here} ${one}`));
  notices.push(...compared.notices.map((one) => `${here} ${one}`));
  return { problems, notices };
}

/** The urls that handlers have for a zone: the text around their columns. */
function urlsOf(name: string, handlers: Iterable<Handler>): (readonly string[])[] {
  return [...handlers].flatMap(({ steps }) =>
    steps.flatMap(({ kind, cache, plans, shared }) =>
      kind === nginx && cache === name
        ? [...plans.map(({ text }) => text.split(/\{[^{}]*\}/)), ...shared.map((text) => [text])]
        : [],
    ),
  );
}

function compareKeys(
  { path, keysOf, variants }: ZoneCacheParts,
  urls: readonly (readonly string[])[],
  { pages }: ZoneInspection,
): Findings {
  const found: Findings = { problems: [], notices: [] };
  const newest = pages.toSorted((one, other) => other.writtenMs - one.writtenMs)[0];
  if (!newest) return found;
  const example = keysOf('/…')[0];
  const looked = `of ${several(pages.length, 'page')} looked at in ${path}`;
  const patterns = (literals: readonly string[]) => keysOf(mark).map((key) => patternOf(literals, key));
  const anyKey = patterns(['/', '']);
  const named = urls.flatMap(patterns);
  const isKeyOf = (some: readonly RegExp[]) => pages.some(({ key }) => some.some((one) => one.test(key)));
  if (!isKeyOf(anyKey))
    found.problems.push(
      `${looked}, none has a key like ${example}; the newest has ${newest.key}: compare key[] with proxy_cache_key or fastcgi_cache_key`,
    );
  else if (!isKeyOf(named))
    found.notices.push(
      `${looked}, none is named by a url[] line; the newest has the key ${newest.key}: compare the lines with what visitors ask for`,
    );
  const varying = pages.filter(({ vary }) => vary !== '');
  const [first] = varying;
  if (first && variants === 'no')
    found.notices.push(
      `${looked}, ${varying.length} vary by ${first.vary}: of each only the variant that was asked for first is cleared: set variants = scan, or add proxy_ignore_headers Vary (fastcgi_ignore_headers)`,
    );
  return found;
}

/** In the place of the url. No url has it. */
const mark = '\0';

/** Matches the keys of a url whose columns have any value. */
function patternOf(literals: readonly string[], key: string): RegExp {
  const url = literals.map(escaped).join('.*');
  return new RegExp(`^${key.split(mark).map(escaped).join(url)}$`, 's');
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&');
}

function refusedText({ path, how }: ZoneCacheParts, refused: { path: string; code: string }): string {
  const place = refused.path === '' ? path : join(path, refused.path);
  if (refused.code !== 'EACCES' && refused.code !== 'EPERM')
    return `${place} is left alone when it is cleared (${refused.code}), and its row fails: remove it`;
  const needs = how === 'unlink' ? 'read it and write in its directory' : 'write it';
  return `this account cannot clear ${place}, since it may not ${needs}: ${rightsAdvice}`;
}
