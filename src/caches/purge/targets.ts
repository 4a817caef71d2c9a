import { readFileSync } from 'node:fs';
import type { CacheSections, PurgeSettings } from '../../core/configuration.ts';
import { toError } from '../../core/errors.ts';
import { defaultLagMs, type Layer } from '../../core/layers.ts';
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
