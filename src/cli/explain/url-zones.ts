import { join } from 'node:path';
import { nginx } from '../../caches/nginx/nginx-steps.ts';
import { type readZones, whyUnusable } from '../../caches/nginx/zones.ts';
import type { SeenConsumer } from '../../core/consumer-contract.ts';
import { toError } from '../../core/errors.ts';
import type { ZoneFiles } from '../../core/zone-files.ts';
import type { TemplateMatch } from './matches.ts';
import { type Fact, formatPart } from './report.ts';
import { formatState } from './url-targets.ts';

type Zone = ReturnType<typeof readZones>['zones'][number];

interface ZoneQuestion {
  readonly matches: readonly TemplateMatch[];
  /** Undefined: the database could not be read. */
  readonly consumers: readonly SeenConsumer[] | undefined;
  readonly find: ZoneFiles['find'];
}

/** The files that a zone of this machine has of a page. Undefined if no handler that names the page clears there. */
export async function formatZone(
  zone: Zone,
  url: string,
  { matches, consumers, find }: ZoneQuestion,
): Promise<string[] | undefined> {
  const { name, path } = zone;
  const clears = matches.some(({ handler }) =>
    handler.steps.some((step) => step.kind === nginx && step.cache === name),
  );
  if (!clears) return undefined;
  const facts: Fact[] = [
    ...(await findFiles(zone, url, find)),
    ...(consumers ?? [])
      .filter((one) => one.kind === nginx && one.name === name)
      .map((one): Fact => ['state', formatState(one)]),
  ];
  return formatPart(`nginx.${name} (${path})`, facts);
}

async function findFiles({ path, keysOf }: Zone, url: string, find: ZoneFiles['find']): Promise<Fact[]> {
  const keys = keysOf(url);
  try {
    const { found, failures } = await find(keys);
    return keys.map((key): Fact => {
      const file = found.find((one) => one.key === key);
      const failure = failures.find((one) => one.key === key);
      if (file)
        return ['cached', `${key} since ${new Date(file.writtenMs).toISOString()}: ${join(path, file.path)}`];
      return ['cached', failure ? `${key}: unknown: ${failure.code}, ${failure.message}` : `${key}: no`];
    });
  } catch (error) {
    return [['cached', `unknown: ${whyUnusable(toError(error))}`]];
  }
}
