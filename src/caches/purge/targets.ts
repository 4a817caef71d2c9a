import { readFileSync } from 'node:fs';
import type { CacheSections, PurgeSettings } from '../../core/configuration.ts';
import { toError } from '../../core/errors.ts';
import { defaultLagMs, type Layer } from '../../core/layers.ts';
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
  readonly layer: Layer;
  readonly lagMs: number;
  /** The certificates to trust, instead of the system's. */
  readonly authorities: Buffer | undefined;
  /** What must not be shown. */
  readonly secrets: readonly string[];
}

/** The targets of all sections, and every problem. */
export function readTargets({ purges, settleMs }: CacheSections): { targets: Target[]; problems: string[] } {
  const problems: string[] = [];
  const targets: Target[] = [];
  for (const settings of purges) {
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
        layer: { section: `purge.${settings.name}`, after: settings.after },
        lagMs: settings.lagMs ?? defaultLagMs(settleMs),
      }),
    );
    for (const target of own) targets.push(target);
  }
  return { targets, problems };
}

/** Parses a value, or reports what is wrong with the option. */
type Attempt = <T>(option: string, parse: () => T) => T | undefined;

function readSection(settings: PurgeSettings, attempt: Attempt) {
  const { request, everything, ca } = settings;
  const secrets: string[] = [];
  const header = settings.header.flatMap(
    (one) => attempt(`header[] = ${one.split(':')[0]}: `, () => fillSecrets(one, process.env, secrets)) ?? [],
  );
  const sites = settings.site.flatMap((one) => attempt(`site = ${one}: `, () => parseSite(one)) ?? []);
  const expect = settings.expect.flatMap((one) => attempt(`expect = ${one}: `, () => parseExpect(one)) ?? []);
  const addresses = settings.to.flatMap((one) => attempt(`to = ${one}: `, () => parseAddress(one)) ?? []);
  const authorities = ca === undefined ? undefined : attempt(`ca = ${ca}: `, () => readFileSync(ca));
  const all =
    everything === undefined ? undefined : attempt('', () => parseEverything(everything, header, sites[0]));
  const template = attempt('', () => {
    const parsed = parseRequest(request, header);
    if (parsed.takes === 'url' && settings.site.length === 0)
      throw new Error('site is missing: the scheme and host of the urls, such as https://www.example.org');
    return parsed;
  });
  if (!template) return undefined;
  return {
    settings,
    template,
    sites: template.takes === 'url' ? sites : [],
    expect,
    addresses,
    authorities,
    everything: all,
    secrets,
  };
}
