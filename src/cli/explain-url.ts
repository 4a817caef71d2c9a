import { openApp } from '../app.ts';
import { readZones } from '../caches/nginx/zones.ts';
import { readTargets } from '../caches/purge/targets.ts';
import { sectionsOf } from '../config/typed-configuration.ts';
import type { SeenConsumer } from '../core/consumer-contract.ts';
import { toError } from '../core/errors.ts';
import type { loadAll } from '../load-all.ts';
import { decodePercent } from '../template/percent.ts';
import { askWorker } from './ask-worker.ts';
import { diagnose } from './explain/diagnosis.ts';
import { type PageStatus, readPageStatuses } from './explain/page-status.ts';
import { formatMatches, joinParts } from './explain/report.ts';
import { findUrlMatches } from './explain/url-matches.ts';
import { formatTarget, type VisitedUrl } from './explain/url-targets.ts';
import { formatZone } from './explain/url-zones.ts';
import type { Explanation } from './explain.ts';

type Loaded = ReturnType<typeof loadAll>;

/** Explains what would purge a page, where, and whether that is under way. */
export async function explainUrl(
  loaded: Loaded,
  given: string,
  { ask }: { ask: boolean },
): Promise<Explanation> {
  const { configuration, handlers } = loaded;
  const page = visited(given);
  const { url } = page;
  const head = [`${page.site ?? ''}${url}`];
  const find = (isSame: (made: string) => boolean) =>
    findUrlMatches(configuration.handlers, handlers, url, isSame);
  const isSame = (made: string) => made === url;
  const matches = find(isSame);
  if (matches.length === 0) {
    const others = find((made) => decodePercent(made) === decodePercent(url));
    return { code: 1, lines: [...head, ...formatUnnamed(others)] };
  }
  let known: { accounts: PageStatus[]; consumers: SeenConsumer[] } | undefined;
  let failed: Error | undefined;
  try {
    const accounts = await readPageStatuses(configuration, matches, isSame);
    known = { accounts, consumers: await readConsumers(loaded) };
  } catch (error) {
    // The lines are useful to know even when the database is down.
    failed = toError(error);
  }
  const sections = sectionsOf(configuration);
  const how = { matches, consumers: known?.consumers };
  const caches = await Promise.all([
    ...readZones(sections).zones.map((zone) =>
      formatZone(zone, url, {
        ...how,
        find: (keys) => askWorker(zone.path, { kind: 'zone-find', levels: zone.levels, keys }),
      }),
    ),
    ...readTargets(sections).targets.map((target) => formatTarget(target, { ...how, page, ask })),
  ]);
  const named = caches.filter((one) => one !== undefined);
  const { settleMs } = configuration.cache;
  const end = known ? [diagnose({ seen: { kind: 'nothing' } }, matches, known.accounts)] : [];
  return {
    code: failed ? 1 : 0,
    lines: joinParts([
      head,
      ...formatMatches(matches, known && { ...known, settleMs }),
      ...(named.length > 0
        ? named
        : [['No [nginx.NAME] or [purge.NAME] section takes urls or tags of these handlers.']]),
      ...end,
    ]),
    ...(failed && { error: failed }),
  };
}

/** As browsers send it. */
function visited(given: string): VisitedUrl {
  const whole = /^https?:/i.test(given);
  const { origin, pathname, search } = new URL(given, 'http://unknown');
  return { url: pathname + search, site: whole ? origin : undefined };
}

function formatUnnamed(others: ReturnType<typeof findUrlMatches>): string[] {
  const [other] = others;
  const [candidate] = other?.candidates ?? [];
  return [
    'No line of url[] names it: no change in the database will ever purge it by its url.',
    ...(other && candidate
      ? [
          `${other.template.text} of ${other.handler.name} makes ${other.template.expand(candidate.key)} of this key, which caches do not take for the same: add a line that writes it as visitors do, with {column} or {column:strict}.`,
        ]
      : []),
  ];
}

async function readConsumers(loaded: Loaded): Promise<SeenConsumer[]> {
  const app = openApp(loaded, { most: 1 });
  try {
    await app.findPrimary();
    return await app.log.consumers();
  } finally {
    await app.close();
  }
}
