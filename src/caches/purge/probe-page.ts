import { parseAddress, parseSite, type TargetAddress } from './target-address.ts';
import type { Target } from './targets.ts';

/** A page that proves whether a target purges, and how visitors ask for it. */
export interface ProbePage {
  /** Whom to ask for it. */
  readonly address: TargetAddress;
  /** Scheme and host as visitors type them. */
  readonly site: string;
  /** Path and query. */
  readonly url: string;
  /** The tag by which it is purged, for targets that take tags. */
  readonly tag: string | undefined;
}

/**
 * Parses `probe`: a path, or a whole url as visitors type it, and for a target that takes tags one of the page's tags.
 * Throws an Error that completes "probe = … ".
 */
export function parseProbe(text: string, { settings, template, address }: Target): ProbePage {
  const [page = '', tag, ...more] = text.split(/ +/);
  const [, origin, url] = /^(https?:\/\/[^/?#]+)?(\/[\x21-\x22\x24-\x7e]*)$/.exec(page) ?? [];
  if (url === undefined || more.length > 0)
    throw new Error('must be a path such as /articles/news/hello, or the whole url, as browsers send it');
  if (template.takes === 'tag' && tag === undefined)
    throw new Error(`names no tag: write one of the page's tags after it, such as ${page} article-7`);
  if (template.takes === 'url' && tag !== undefined)
    throw new Error('names a tag, and this section takes urls');
  const [first] = settings.site;
  if (origin === undefined && first === undefined)
    throw new Error('is a path, and without "site" its host is unknown: write the whole url');
  const site = parseSite(origin ?? first ?? '');
  return {
    address:
      origin === undefined && address.program === undefined
        ? address
        : addressFor(site, { settings, address }),
    site,
    url,
    tag,
  };
}

/**
 * Where to ask for a page of a site. A target that purges a page by its own url is the cache. One that is asked in
 * another way, such as the API of a CDN, may be a different server.
 */
export function addressFor(
  site: string,
  { settings, address }: Pick<Target, 'settings' | 'address'>,
): TargetAddress {
  const isCache = [settings.request, ...settings.header].some((one) => /\{url\b/.test(one));
  return isCache && address.program === undefined ? address : parseAddress(site);
}
