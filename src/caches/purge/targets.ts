import { readFileSync } from 'node:fs';
import type { CacheSections, PurgeSettings } from '../../core/configuration.ts';
import { toError } from '../../core/errors.ts';
import { didYouMean } from '../../core/suggest.ts';
import { type Expect, parseExpect } from './answer.ts';
import { programRequest, programTemplate } from './program-client.ts';
import { parseRate, type Rate } from './request-rate.ts';
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
  /** How many urls or tags are in one request at most. */
  readonly batch: number;
  readonly expect: readonly Expect[];
  readonly rate: Rate | undefined;
  readonly everything: PurgeRequest | undefined;
  /** Names of the targets behind which it stands; none: it stands behind the page files. */
  readonly after: readonly string[];
  readonly lagMs: number;
  /** The certificates to trust, instead of the system's. */
  readonly authorities: Buffer | undefined;
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
    const before = sections.get(settings.after?.slice(prefix.length) ?? '') ?? [];
    const attempt: Attempt = (option, parse) => {
      try {
        return parse();
      } catch (error) {
        problems.push(`[purge.${settings.name}] ${option}${toError(error).message}`);
        return undefined;
      }
    };
    const section = readSection(settings, attempt);
    if (!section) continue;
    const { addresses, ...shared } = section;
    const own = addresses.map(
      (address): Target => ({
        ...shared,
        name:
          addresses.length === 1 ? settings.name : `${settings.name}/${address.text.replace(/^\w+:\/*/, '')}`,
        address,
        after: before.map(({ name }) => name),
        lagMs: settings.lagMs ?? Math.max(leastLagMs, longestRenderMs - settleMs),
      }),
    );
    sections.set(settings.name, own);
  }
  return { targets: [...sections.values()].flat(), problems };
}

/** Parses a value, or reports what is wrong with the option. */
type Attempt = <T>(option: string, parse: () => T) => T | undefined;

function readSection(settings: PurgeSettings, attempt: Attempt) {
  const { request, everything, body, rate, ca, run } = settings;
  const secrets: string[] = [];
  const header = settings.header.flatMap(
    (one) => attempt(`header[] = ${one.split(':')[0]}: `, () => fillSecrets(one, process.env, secrets)) ?? [],
  );
  const sites = settings.site.flatMap((one) => attempt(`site = ${one}: `, () => parseSite(one)) ?? []);
  const expect = settings.expect.flatMap((one) => attempt(`expect = ${one}: `, () => parseExpect(one)) ?? []);
  const limit = rate === undefined ? undefined : attempt(`rate = ${rate}: `, () => parseRate(rate));
  const given = settings.to.flatMap((one) => attempt(`to = ${one}: `, () => parseAddress(one)) ?? []);
  const addresses = run === undefined ? given : [{ text: run, tls: false, program: run }];
  const authorities = ca === undefined ? undefined : attempt(`ca = ${ca}: `, () => readFileSync(ca));
  const all = attempt('', () => {
    if (everything === undefined || run === undefined)
      return everything === undefined ? undefined : parseEverything(everything, header, sites[0]);
    return programRequest('everything', everything);
  });
  const template = attempt('', () => {
    checkWay(settings);
    if (run !== undefined) return programTemplate(run, sites);
    const parsed = parseRequest(request, header, body);
    if (parsed.single !== undefined && (settings.batch ?? 1) > 1)
      throw new Error(
        `batch = ${settings.batch}: {${parsed.single}} stands for a single one: write {urls}, {pages}, {tags} or {url:regex}`,
      );
    if (parsed.takes === 'url' && settings.site.length === 0)
      throw new Error('site is missing: the scheme and host of the urls, such as https://www.example.org');
    return parsed;
  });
  if (!template) return undefined;
  return {
    settings,
    template,
    batch: settings.batch ?? template.usualBatch,
    sites: template.takes === 'url' ? sites : [],
    expect,
    rate: limit,
    addresses,
    authorities,
    everything: all,
    secrets,
  };
}

function checkWay({ to, run, header, body, expect, ca }: PurgeSettings): void {
  if (run === undefined && to.length === 0)
    throw new Error('to is missing: where requests go, such as http://127.0.0.1:6081; or run = /program');
  if (run === undefined) return;
  const others = { to: to[0], header: header[0], body, expect: expect[0], ca };
  const [other] = Object.entries(others).find(([, value]) => value !== undefined) ?? [];
  if (other !== undefined)
    throw new Error(`run = ${run}: a program makes its own requests, so ${other} means nothing with it`);
}

const prefix = 'purge.';

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
