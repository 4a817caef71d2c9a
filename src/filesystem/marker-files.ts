import { readFileSync } from 'node:fs';
import { hostname, uptime } from 'node:os';
import { errorCode, toError } from '../core/errors.ts';
import { marker as name } from '../core/reserved-names.ts';
import type { Mark, Marker, MarkerSeen, SeenFront, SeenRoot } from '../core/root.ts';
import type { Directory, Walk } from './walk/directory.ts';
import { type Front, frontsAt } from './walk/fronts.ts';
import { mountPointOf } from './walk/mounts.ts';

/** A marker has a few hundred bytes, and more if it records what a wipe has left. */
const mostBytes = 8_192;

interface Place {
  readonly root: string;
  readonly fronts?: readonly string[];
}

/** Reads root and each front as they are now, with their markers. Throws if root cannot be entered. */
export function readMarkers(
  { root, fronts = [], silent = [] }: Place & { silent?: readonly string[] },
  walk: Walk,
): SeenRoot {
  const seen: SeenFront[] = [];
  const refused: string[] = [];
  const top = walk.openRoot(root, { patterns: 1, fronts });
  try {
    readInto(top, frontsAt(fronts), { seen, silent, refused });
  } finally {
    top.close();
  }
  const where = { machine: machineId(), boot: bootId(), mountPoint: mountPointOf(root) };
  return { ...where, fronts: seen, silent, refused };
}

interface Looking {
  readonly seen: SeenFront[];
  readonly silent: readonly string[];
  readonly refused: string[];
}

function readInto(directory: Directory, front: Front, looking: Looking): void {
  const { seen, silent, refused } = looking;
  const { mounted } = directory;
  const marker = directory.readSmall(name, mostBytes);
  seen.push({
    path: front.path,
    mounted,
    identity: directory.identity(),
    marker: toMarker(marker),
    writable: directory.writable(),
  });
  for (const [component, next] of front.below) {
    if (silent.includes(next.path)) continue;
    const below = openIfPossible(directory, component, () => refused.push(next.path));
    if (!below) continue;
    try {
      readInto(below, next, looking);
    } finally {
      below.close();
    }
  }
}

/** A front that is missing, a link, or cannot be entered is reported by the clearing that needs it. */
function openIfPossible(directory: Directory, name: string, refused: () => void): Directory | undefined {
  try {
    return directory.open(name);
  } catch (error) {
    const code = errorCode(error);
    // The worker lacks something, whatever it opens.
    if (code === undefined || ['EMFILE', 'ENFILE', 'ENOMEM'].includes(code)) throw error;
    // Something else is in its place.
    if (code !== 'ELOOP' && code !== 'ENOTDIR') refused();
    return undefined;
  }
}

function toMarker(file: ReturnType<Directory['readSmall']>): MarkerSeen {
  if (typeof file === 'string') return { kind: file };
  if (file.text.trim() === '') return { kind: 'declared' };
  try {
    const parsed: unknown = JSON.parse(file.text);
    if (typeof parsed !== 'object' || parsed === null) return { kind: 'strange' };
    const { id, boot, clean, left } = parsed as Record<string, unknown>;
    if (typeof boot !== 'string' || typeof clean !== 'boolean') return { kind: 'strange' };
    const marker = {
      id: typeof id === 'string' && /^[0-9a-f]{16}$/.test(id) ? id : undefined,
      boot,
      clean,
      left: toLeft(left),
    };
    return { kind: 'marker', marker };
  } catch {
    // Incomplete or not written by us: the last run counts as unknown.
    return { kind: 'strange' };
  }
}

function toLeft(left: unknown): Marker['left'] {
  if (left === undefined) return [];
  // An older version recorded root as a path, which names nothing below it.
  const isBelow = (one: unknown) => typeof one === 'string' && !/^(\/|$)/.test(one);
  return Array.isArray(left) && left.every(isBelow) ? left : 'all';
}

/**
 * Writes markers into fronts. If some cannot be written, throws the error of the first one after writing the
 * others.
 */
export function writeMarkers(
  { root, fronts = [], marks }: Place & { marks: readonly Mark[] },
  walk: Walk,
): void {
  let failure: Error | undefined;
  for (const { path, marker } of marks) {
    const held = [walk.openRoot(root, { patterns: 1, fronts })];
    try {
      for (const component of path === '' ? [] : path.split('/')) {
        const next = held.at(-1)?.open(component);
        if (!next) throw new Error('the directory is gone');
        held.push(next);
      }
      held.at(-1)?.replaceSmall(name, toText(marker));
    } catch (error) {
      failure ??= unmarked(root, path, error);
    } finally {
      for (const directory of held.reverse()) directory.close();
    }
  }
  if (failure) throw failure;
}

function toText({ left, ...marker }: Marker): string {
  const text = `${JSON.stringify({ ...marker, ...(left.length > 0 && { left }) })}\n`;
  return Buffer.byteLength(text) <= mostBytes ? text : `${JSON.stringify({ ...marker, left: 'all' })}\n`;
}

function unmarked(root: string, path: string, cause: unknown): Error {
  const what = `Cannot keep the marker ${[root, path, name].filter((part) => part !== '').join('/')}`;
  const consequence =
    'after a crash of the machine deleted pages could come back unseen: let uncached write there';
  const { code, syscall } = cause as NodeJS.ErrnoException;
  // A worker passes on only the system's own fields of an error.
  return Object.assign(new Error(`${what} (${consequence}): ${toError(cause).message}`, { cause }), {
    ...(code !== undefined && { code }),
    ...(syscall !== undefined && { syscall }),
  });
}

/** Linux gives each boot an id; elsewhere the second of the boot is used. */
function bootId(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return `booted ${Math.round(Date.now() / 1_000 - uptime())}`;
  }
}

/** Linux and FreeBSD keep an id for each machine that outlives boots. An image may have one for all: machine-id(5). */
function machineId(): string {
  for (const file of ['/etc/machine-id', '/etc/hostid']) {
    try {
      const id = readFileSync(file, 'utf8').trim();
      if (id !== '' && id !== 'uninitialized') return id;
    } catch {
      // Not on this system.
    }
  }
  return hostname();
}
