import { command, commandCache, readCommandSteps } from './caches/command/command-cache.ts';
import { filesCache } from './caches/files/files-cache.ts';
import { files, readFilesSteps } from './caches/files/files-steps.ts';
import { nginx, nginxSteps } from './caches/nginx/nginx-steps.ts';
import { zoneCache } from './caches/nginx/zone-cache.ts';
import { readZones } from './caches/nginx/zones.ts';
import { PurgeCache } from './caches/purge/purge-cache.ts';
import { purge, purgeSteps } from './caches/purge/purge-steps.ts';
import { readTargets } from './caches/purge/targets.ts';
import { type Handler, parseHandlers } from './clearing/handler.ts';
import type { CacheSections, HandlerSettings } from './core/configuration.ts';
import type { Clock } from './core/contracts.ts';
import type { Observe } from './core/events.ts';
import { type Layer, layerProblems } from './core/layers.ts';
import type { PageFiles } from './core/page-files.ts';
import type { RunCommand } from './core/run-command.ts';
import type { ReadSteps, Step, TargetCache } from './core/target-cache.ts';
import type { OpenZone } from './core/zone-files.ts';

/** What caches work with. */
export interface Outside {
  readonly files: Pick<PageFiles, 'clear'>;
  readonly run: RunCommand;
  /** The files of a zone; who gives it closes them. */
  readonly openZone: OpenZone;
  readonly clock: Clock;
  /** What an operator should know. */
  readonly tell: (text: string) => void;
  readonly observe?: Observe;
  readonly sections: CacheSections;
}

interface CacheKind {
  readonly kind: string;
  readonly stepsReader: (sections: CacheSections) => ReadSteps;
  /** What is wrong with its own sections. */
  readonly problems?: (sections: CacheSections) => string[];
  /** Names of caches that are there even if no handler clears in them. */
  readonly always: (sections: CacheSections) => readonly string[];
  /** Nothing is cached in it before its first row. */
  readonly startsEmpty: boolean;
  /** Throws an Error if what it needs, such as a secret, cannot be had. */
  readonly open: (outside: Outside, name: string) => TargetCache;
}

/** Every kind of cache: a folder below caches/, and an entry here. The first stands before the others. */
export const cacheKinds: readonly CacheKind[] = [
  {
    kind: files,
    stepsReader: () => readFilesSteps,
    always: () => [files],
    startsEmpty: false,
    open: (outside) => filesCache(outside.files),
  },
  {
    kind: command,
    stepsReader: () => readCommandSteps,
    always: () => [],
    startsEmpty: true,
    open: (outside) => commandCache(outside.run),
  },
  {
    kind: nginx,
    stepsReader: nginxSteps,
    problems: (sections) => readZones(sections).problems,
    always: (sections) => readZones(sections).zones.map(({ name }) => name),
    startsEmpty: false,
    open: ({ sections, openZone }, name) => {
      const zone = readZones(sections).zones.find((one) => one.name === name);
      if (!zone) throw new Error(`there is no usable [nginx.${name}] any more`);
      return zoneCache(zone, openZone(zone));
    },
  },
  {
    kind: purge,
    stepsReader: purgeSteps,
    problems: (sections) => readTargets(sections).problems,
    always: (sections) => readTargets(sections).targets.map(({ name }) => name),
    startsEmpty: false,
    open: ({ sections, ...outside }, name) => {
      const target = readTargets(sections).targets.find((one) => one.name === name);
      if (!target) throw new Error(`there is no usable [purge.${name}] any more`);
      return new PurgeCache(target, outside);
    },
  },
];

/** No section but those of handlers. */
const noSections: CacheSections = { settleMs: 0, purges: [] };

/** Makes handlers from their settings, with every problem found. */
export function readHandlers(
  settings: readonly HandlerSettings[],
  sections = noSections,
): ReturnType<typeof parseHandlers> {
  const { handlers, problems } = parseHandlers(
    settings,
    cacheKinds.map(({ stepsReader }) => stepsReader(sections)),
  );
  return {
    handlers,
    problems: [
      ...cacheKinds.flatMap((kind) => kind.problems?.(sections) ?? []),
      ...layerProblems(layersOf(sections)),
      ...problems,
    ],
  };
}

function layersOf({ purges, zones = [] }: CacheSections): Layer[] {
  return [
    ...zones.map(({ name, after, how }) => ({
      section: `nginx.${name}`,
      after,
      answersStale: how === 'soft',
    })),
    ...purges.map(({ name, after }) => ({ section: `purge.${name}`, after })),
  ];
}

/** By the name of each cache of a kind: what each handler clears in it. */
export function stepsOf(
  handlers: Iterable<Handler>,
  { kind, always }: { kind: string; always: readonly string[] },
): Map<string, Map<string, Step>> {
  const caches = new Map(always.map((name) => [name, new Map<string, Step>()]));
  for (const { name, steps } of handlers) {
    for (const step of steps.filter((one) => one.kind === kind)) {
      const own = caches.get(step.cache) ?? new Map<string, Step>();
      caches.set(step.cache, own.set(name, step));
    }
  }
  return caches;
}
