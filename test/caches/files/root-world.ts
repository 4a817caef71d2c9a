import { expect } from 'vitest';
import { readHandlers } from '../../../src/cache-kinds.ts';
import { RootGuard } from '../../../src/caches/files/root-guard.ts';
import type { Event } from '../../../src/core/events.ts';
import type { DeletionFailure } from '../../../src/core/page-files.ts';
import type { Mark, Marker, MarkerSeen, Registration, SeenRoot } from '../../../src/core/root.ts';
import { usualTimings } from '../../../src/core/timings.ts';
import { patternCovers } from '../../../src/filesystem/match.ts';

const { handlers } = readHandlers([{ name: 'news', clear: ['news/*'], followers: [] }]);

/** A root with one marker, its place in the database, and a record of what happens to both. */
export class RootWorld {
  now = 0;
  marker: Marker | undefined;
  identity = '1:1';
  mountPoint = '/srv/cache';
  writable: 'yes' | 'no' = 'yes';
  /** A directory below root that a template names. */
  hasFront = true;
  /** If given, that directory is a mount of its own, with this marker. */
  set: MarkerSeen | undefined;
  /** How that directory is left out of what is seen. */
  unseen: 'silent' | 'refused' | undefined;
  row: Registration | undefined;
  isCopy = false;
  /** Where its consumers are; undefined: another daemon has them. */
  state: 'live' | 'wiping' | 'new' | 'expired' | undefined = 'live';
  follows = false;
  missing = false;
  full = false;
  /** The database. */
  away = false;
  /** While true, nothing can be cleared. */
  broken = false;
  failures: DeletionFailure[] = [];
  /** Resolves before anything is cleared. */
  clearing: Promise<void> = Promise.resolve();
  /** How many clearings have begun. */
  asked = 0;
  readonly did: string[] = [];
  readonly events: Event[] = [];
  #ids = 0;

  start(): RootGuard {
    const world = this;
    return new RootGuard({
      markers: {
        root: '/srv/cache',
        fronts: ['news'],
        async read(): Promise<SeenRoot> {
          if (world.missing) throw Object.assign(new Error('gone'), { code: 'ENOENT', syscall: 'open' });
          const { identity, marker, mountPoint, set, unseen, writable } = world;
          const seen = marker ? ({ kind: 'marker', marker } as const) : ({ kind: 'absent' } as const);
          const root = { path: '', mounted: false, identity, marker: seen, writable };
          const news = {
            path: 'news',
            mounted: set !== undefined,
            identity: '1:2',
            marker: set ?? ({ kind: 'absent' } as const),
            writable: set ? 'yes' : writable,
          } as const;
          return {
            machine: 'm',
            boot: 'this',
            mountPoint,
            fronts: world.hasFront && !unseen ? [root, news] : [root],
            silent: unseen === 'silent' ? ['news'] : [],
            refused: unseen === 'refused' ? ['news'] : [],
          };
        },
        async write(marks: readonly Mark[]) {
          if (world.full) throw new Error('Cannot keep the marker');
          for (const { path, marker } of marks) {
            if (path === '') world.marker = marker;
            else world.set = { kind: 'marker', marker };
            world.did.push(marker.clean ? 'marked clean' : 'marked');
          }
        },
        async sync() {
          world.did.push('synced');
        },
      },
      roots: {
        async known() {
          if (world.away) throw new Error('no database');
          return world.row;
        },
        isCopy: async () => world.isCopy,
        async register(row) {
          world.row = row;
          world.did.push('registered');
        },
      },
      members: {
        async join(id, { wiping }) {
          world.did.push(`joined as ${id}${wiping ? ' to be wiped' : ''}`);
          world.follows = world.state !== undefined;
          return world.state;
        },
        leave() {
          world.follows = false;
        },
      },
      cache: {
        async clear(patterns, how) {
          world.asked += 1;
          await world.clearing;
          if (world.broken) throw new Error('the worker died');
          world.did.push(`cleared ${[...patterns]} in ${how?.identities?.['']}`);
          return { files: 1, failures: world.failures };
        },
      },
      handlers,
      timings: usualTimings.root,
      retry: usualTimings.retry,
      covers: patternCovers,
      newId: () => `id ${++world.#ids}`,
      clock: { now: () => world.now, wait: () => expect.fail('nobody waits') },
      observe: (event) => world.events.push(event),
    });
  }

  done(): string[] {
    return this.did.splice(0);
  }

  get told(): string[] {
    return this.events.map(({ kind }) => kind);
  }
}
