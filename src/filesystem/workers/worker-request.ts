import { randomBytes } from 'node:crypto';
import type { ZoneWay } from '../../core/configuration.ts';
import type { DeletionResult } from '../../core/page-files.ts';
import type { Mark, SeenRoot } from '../../core/root.ts';
import type { ZoneResult } from '../../core/zone-files.ts';
import { clear, preview } from '../clear-patterns.ts';
import { type InspectedTemplate, type Inspection, inspectRoot } from '../inspect-root.ts';
import { readMarkers, writeMarkers } from '../marker-files.ts';
import { type Removal, removeEntry } from '../remove-tree.ts';
import { findPage } from '../stat-page.ts';
import { type Survey, type SurveyOptions, survey } from '../survey.ts';
import type { Confines, Directory, Walk } from '../walk/directory.ts';
import { clearVariants } from '../zone/clear-variants.ts';
import { clearKeys, findKeys } from '../zone/clear-zone.ts';
import { inspectZone, type ZoneInspection } from '../zone/inspect-zone.ts';
import { wipeZone } from '../zone/wipe-zone.ts';

/** The requests that a worker handles, by kind; `Answers` has the answer to each. */
export type Request =
  | ClearRequest
  | ProbeRequest
  | LookRequest
  | MarkRequest
  | InspectRequest
  | PreviewRequest
  | PageRequest
  | SurveyRequest
  | ZoneClearRequest
  | ZoneWipeRequest
  | ZoneFindRequest
  | ZoneInspectRequest;

export interface ClearRequest extends Confines {
  readonly kind: 'clear';
  readonly patterns: readonly string[];
  /** Whether to return the paths that were deleted. */
  readonly listing: boolean;
  /** A second clearing follows (clear-patterns.ts). */
  readonly tempsLater?: boolean;
  /** Patterns whose files are also counted separately. */
  readonly countApart?: readonly string[];
  /** Directories to leave out, since they do not answer (step-guard.ts). */
  readonly suspended?: readonly string[];
  /** Whether to report each step before it is taken. */
  readonly traced?: boolean;
}

/** Whether a directory answers. */
interface ProbeRequest extends Confines {
  readonly kind: 'probe';
  /** Below root; '' is root. */
  readonly path: string;
}

/** What root and its fronts are, and their markers. */
interface LookRequest extends Confines {
  readonly kind: 'look';
  /** Fronts to leave out, since they do not answer. */
  readonly silent: readonly string[];
}

interface MarkRequest extends Confines {
  readonly kind: 'mark';
  readonly marks: readonly Mark[];
}

/** What is wrong with root and with the directories that templates name literally. */
interface InspectRequest {
  readonly kind: 'inspect';
  readonly templates: readonly InspectedTemplate[];
  readonly fronts: readonly string[];
}

/** What would be deleted. */
interface PreviewRequest extends Confines {
  readonly kind: 'preview';
  readonly patterns: readonly string[];
}

/** What exists at a path, which is absolute or below root. */
interface PageRequest {
  readonly kind: 'page';
  readonly given: string;
}

/** In which directories this user cannot delete. */
interface SurveyRequest extends SurveyOptions {
  readonly kind: 'survey';
}

/** The files of these keys in nginx's disk cache, which is root here. */
interface ZoneClearRequest {
  readonly kind: 'zone-clear';
  readonly levels: readonly number[];
  readonly keys: readonly string[];
  readonly how: ZoneWay;
  /** Also the variants of the pages: those that are known, or all. */
  readonly variants?: 'known' | 'all' | undefined;
}

interface ZoneWipeRequest extends Omit<ZoneClearRequest, 'kind' | 'keys' | 'variants'> {
  readonly kind: 'zone-wipe';
}

interface ZoneFindRequest extends Omit<ZoneClearRequest, 'kind' | 'how' | 'variants'> {
  readonly kind: 'zone-find';
}

/** What is wrong with a zone. */
interface ZoneInspectRequest extends Omit<ZoneClearRequest, 'kind' | 'keys' | 'variants'> {
  readonly kind: 'zone-inspect';
  /** Where the page files are. */
  readonly pageRoot: string;
}

interface Answers {
  /** And how many names were listed for it. */
  readonly clear: DeletionResult & { readonly listed?: number };
  readonly look: SeenRoot;
  readonly mark: null;
  readonly inspect: Inspection;
  readonly survey: Survey;
  readonly preview: ReturnType<typeof preview>;
  /** Null if the path is outside. */
  readonly page: NonNullable<ReturnType<typeof findPage>> | null;
  /** It answers, whatever the answer is. */
  readonly probe: null;
  readonly 'zone-clear': ZoneResult;
  readonly 'zone-wipe': ZoneResult;
  readonly 'zone-find': ReturnType<typeof findKeys>;
  readonly 'zone-inspect': ZoneInspection;
}

export type AnswerTo<Asked extends Request> = Answers[Asked['kind']];

/** Throws only for a bug: failures of files are part of the answer. */
export function answerRequest(request: Request, root: string, walk: Walk): AnswerTo<Request> {
  switch (request.kind) {
    case 'clear':
      return answerClear(request, root, walk);
    case 'probe':
      return probe(request, root, walk);
    case 'look':
      return readMarkers({ root, ...request }, walk);
    case 'mark':
      writeMarkers({ root, ...request }, walk);
      return null;
    case 'inspect':
      return inspectRoot(root, request, walk);
    case 'survey':
      return survey(root, request, walk);
    case 'preview':
      return preview(root, request.patterns, { walk, fronts: request.fronts ?? [] });
    case 'page':
      return findPage(root, request.given) ?? null;
    case 'zone-clear':
      return answerZoneClear(request, root, walk);
    case 'zone-wipe':
      return wipeZone(root, request, walk);
    case 'zone-find':
      return findKeys(root, request, walk);
    case 'zone-inspect':
      return inspectZone(root, request, walk);
    default:
      return request satisfies never;
  }
}

function answerClear(request: ClearRequest, root: string, walk: Walk): Answers['clear'] {
  const { patterns, listing, tempsLater = false, countApart = [], fronts = [], identities } = request;
  const paths: string[] = [];
  let listed = 0;
  const removal: Removal = (directory, name, what) => {
    const files = removeEntry(directory, name, what);
    if (files !== undefined && files > 0) paths.push(directory.below(name));
    return files;
  };
  const cleared = clear(root, patterns, walk, {
    ...(listing && { removal }),
    tempsLater,
    countApart,
    onListed(names) {
      listed += names;
    },
    fronts,
    ...(identities && { identities }),
  });
  return { ...cleared, ...(listing && { paths }), listed };
}

function answerZoneClear({ variants, ...named }: ZoneClearRequest, root: string, walk: Walk): ZoneResult {
  const cleared = clearKeys(root, named, walk);
  if (!variants) return cleared;
  const others = clearVariants(root, { ...named, variants }, walk);
  const failed = new Set(cleared.failures.map(({ path }) => path));
  return {
    files: cleared.files + others.files,
    failures: [...cleared.failures, ...others.failures.filter(({ path }) => !failed.has(path))],
  };
}

/**
 * Opens and lists the directory, and unlinks a name that does not exist: a frozen file system answers reads
 * and no writes.
 */
function probe({ path, fronts = [] }: ProbeRequest, root: string, walk: Walk): null {
  const opened: Directory[] = [];
  try {
    let directory: Directory | undefined = walk.openRoot(root, { patterns: 1, fronts });
    for (const name of path === '' ? [] : path.split('/')) {
      opened.push(directory);
      directory = directory.open(name);
      if (!directory) return null;
    }
    opened.push(directory);
    directory.names();
    directory.unlink(`.${randomBytes(16).toString('hex')}.probe`);
  } catch {
    // An error, such as a missing directory, is an answer, too.
  } finally {
    for (const directory of opened.reverse()) directory.close();
  }
  return null;
}
