import { readCacheAge } from '../../caches/purge/cache-age.ts';
import { openClient } from '../../caches/purge/http-client.ts';
import { addressFor } from '../../caches/purge/probe-page.ts';
import { purge } from '../../caches/purge/purge-steps.ts';
import type { Target } from '../../caches/purge/targets.ts';
import type { SeenConsumer } from '../../core/consumer-contract.ts';
import { formatDuration } from '../../core/duration.ts';
import { toError } from '../../core/errors.ts';
import { several } from '../../core/plural.ts';
import type { TemplateMatch } from './matches.ts';
import { type Fact, formatPart } from './report.ts';

/** A page as visitors ask for it; without `site` the host is not known. */
export interface VisitedUrl {
  readonly url: string;
  readonly site: string | undefined;
}

interface TargetQuestion {
  readonly page: VisitedUrl;
  readonly matches: readonly TemplateMatch[];
  /** Undefined: the database could not be read. */
  readonly consumers: readonly SeenConsumer[] | undefined;
  /** Whether to ask the target for the page. */
  readonly ask: boolean;
}

/** What a target would be asked to forget, and how it is. Undefined if it would not be asked. */
export async function formatTarget(target: Target, question: TargetQuestion): Promise<string[] | undefined> {
  const { consumers, ask, page } = question;
  const works = worksFor(target, question.matches);
  if (works.length === 0) return undefined;
  const facts: Fact[] = [
    ['forgets', works.join(', ')],
    ...formatSite(target, page),
    ...(consumers ?? [])
      .filter(({ kind, name }) => kind === purge && name === target.name)
      .map((one): Fact => ['state', formatState(one)]),
    ...(ask ? [['cached', await askFor(page, target)] as const] : []),
  ];
  return formatPart(`purge.${target.name} (${target.address.text})`, facts);
}

/** The urls, or the tags of the same keys. */
function worksFor({ name, template }: Target, matches: readonly TemplateMatch[]): string[] {
  const works = matches.flatMap(({ handler, candidates, template: line }) => {
    const step = handler.steps.find(({ kind, cache }) => kind === purge && cache === name);
    if (!step) return [];
    const lines = template.takes === 'url' ? [line] : step.plans;
    return candidates.flatMap(({ key }) =>
      lines.flatMap((one) => {
        try {
          return [one.expand(key)];
        } catch {
          // The line names a column that this url does not show.
          return [];
        }
      }),
    );
  });
  return [...new Set(works)];
}

/** A purge for another host is acknowledged, and purges nothing. */
function formatSite({ sites, template }: Target, { site }: VisitedUrl): Fact[] {
  if (template.takes !== 'url') return [];
  if (site === undefined || sites.includes(site)) return [['site', sites.join(', ')]];
  return [['site', `${sites.join(', ')}, and not ${site}: what is cached under that host stays`]];
}

export function formatState({ node, problem, behind, unsettled, lagMs }: SeenConsumer): string {
  const late = lagMs === null ? '' : `, the oldest for ${formatDuration(lagMs)}`;
  const rows =
    behind > 0
      ? `${several(behind, 'row')} behind${late}`
      : unsettled > 0
        ? `${several(unsettled, 'row')} settling`
        : 'up to date';
  return [`${problem ?? 'up'}, ${rows}`, ...(node ? [`on ${node}`] : [])].join(', ');
}

/** What a visitor would get. */
async function askFor({ url, site }: VisitedUrl, target: Target): Promise<string> {
  const [own = target.settings.site[0]] = target.sites;
  const asked = site ?? own;
  if (asked === undefined) return 'unknown: name the whole url, with its host';
  try {
    const address = addressFor(asked, target);
    const { timeoutMs } = target.settings;
    const send = openClient(address, { connections: 1, timeoutMs, authorities: target.authorities });
    const answer = await send({ method: 'HEAD', path: url, headers: { host: new URL(asked).host } });
    const { cached, text } = readCacheAge(answer);
    const verdict = cached === undefined ? 'unknown' : cached ? 'yes' : 'no, or not before this second';
    return `${verdict}: ${answer.status}, ${text}`;
  } catch (error) {
    return `unknown: no answer: ${toError(error).message}`;
  }
}
