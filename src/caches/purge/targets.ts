import type { CacheSections, PurgeSettings } from '../../core/configuration.ts';
import { toError } from '../../core/errors.ts';
import { didYouMean } from '../../core/suggest.ts';
import { type Expect, parseExpect } from './answer.ts';
import {
  type PurgeRequest,
  parseEverything,
  parseRequest,
  type RequestTemplate,
} from './request-template.ts';
import { fillSecrets } from './secrets.ts';
import { parseAddress, parseSite, type TargetAddress } from './target-address.ts';

/** One address of a `[purge.NAME]`, which is a cache of its own: each has to acknowledge. */
export interface Target {
  /** NAME, or NAME/host:port if the section has several addresses. */
  readonly name: string;
  readonly settings: PurgeSettings;
  readonly address: TargetAddress;
  readonly template: RequestTemplate;
  readonly sites: readonly string[];
  readonly expect: readonly Expect[];
  readonly everything: PurgeRequest | undefined;
  /** Names of the targets behind which it stands; none: it stands behind the page files. */
  readonly after: readonly string[];
  readonly lagMs: number;
  /** What must not be shown. */
  readonly secrets: readonly string[];
}

/**
 * `lag`, if the section has none: longer than the cache behind takes to answer from what it had, and together
 * with the settle time longer than a slow render and its transfer.
 */
const leastLagMs = 2_000;
const longestRenderMs = 12_000;

/** The targets of all sections, each behind those that it stands `after`; and every problem. */
export function readTargets({ purges, settleMs }: CacheSections): { targets: Target[]; problems: string[] } {
  const problems: string[] = [];
  const sections = new Map<string, readonly Target[]>();
  for (const settings of inOrder(purges, problems)) {
    const bad = (what: string) => problems.push(`[purge.${settings.name}] ${what}`);
    const attempt = <T>(option: string, parse: () => T): T | undefined => {
      try {
        return parse();
      } catch (error) {
        bad(`${option}${toError(error).message}`);
        return undefined;
      }
    };
    const header = settings.header.map(
      (one) => attempt(`header[] = ${nameOf(one)}: `, () => fillSecrets(one)) ?? 'x: ',
    );
    const template = attempt('', () => parseRequest(settings.request, header));
    const sites = settings.site.flatMap((one) => attempt(`site = ${one}: `, () => parseSite(one)) ?? []);
    const expect = settings.expect.flatMap(
      (one) => attempt(`expect = ${one}: `, () => parseExpect(one)) ?? [],
    );
    const { everything: text } = settings;
    const everything =
      text === undefined ? undefined : attempt('', () => parseEverything(text, header, sites[0]));
    const addresses = settings.to.flatMap((one) => attempt(`to = ${one}: `, () => parseAddress(one)) ?? []);
    if (template?.takes === 'url' && settings.site.length === 0)
      bad('site is missing: the scheme and host of the urls, such as https://www.example.org');
    if (template === undefined) continue;
    const own = addresses.map(
      (address): Target => ({
        name:
          addresses.length === 1 ? settings.name : `${settings.name}/${address.text.replace(/^\w+:\/*/, '')}`,
        settings,
        address,
        template,
        sites: template.takes === 'url' ? sites : [],
        expect,
        everything,
        after: (sections.get(settings.after?.slice(prefix.length) ?? '') ?? []).map(({ name }) => name),
        lagMs: settings.lagMs ?? Math.max(leastLagMs, longestRenderMs - settleMs),
        secrets: settings.header.flatMap((one, at) =>
          header[at] === one ? [] : [header[at]?.replace(/^[^:]*: */, '') ?? ''],
        ),
      }),
    );
    sections.set(settings.name, own);
  }
  return { targets: [...sections.values()].flat(), problems };
}

const prefix = 'purge.';

function nameOf(header: string): string {
  return header.split(':')[0] ?? '';
}

/** Each behind the one that it names as `after`. */
function inOrder(purges: readonly PurgeSettings[], problems: string[]): PurgeSettings[] {
  let ordered: PurgeSettings[] = [];
  let left = [...purges];
  for (const { name, after } of purges) {
    if (after === undefined || purges.some((other) => `${prefix}${other.name}` === after)) continue;
    const names = purges.map((other) => `${prefix}${other.name}`);
    problems.push(`[purge.${name}] after = ${after}: there is no such section${didYouMean(after, names)}`);
    left = left.filter((one) => one.name !== name);
  }
  while (left.length > 0) {
    const next = left.filter(
      ({ after }) => after === undefined || ordered.some((one) => `${prefix}${one.name}` === after),
    );
    if (next.length === 0) {
      const names = left.map(({ name }) => `[purge.${name}]`).join(', ');
      problems.push(`${names}: "after" leads in a circle, or to a section that is wrong`);
      break;
    }
    ordered = [...ordered, ...next];
    left = left.filter((one) => !next.includes(one));
  }
  return ordered;
}
