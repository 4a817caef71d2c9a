import { expect } from 'vitest';
import { parseHandlers } from '../../src/clearing/handler.ts';
import { RootGuard } from '../../src/clearing/root-guard.ts';
import type { ClearFailure } from '../../src/core/contracts.ts';
import type { Event } from '../../src/core/events.ts';
import type { KnownRoot, Mark, Marker, Registration, SeenRoot } from '../../src/core/root.ts';
import { usualTimings } from '../../src/core/timings.ts';
import { patternCovers } from '../../src/filesystem/match.ts';

const { handlers } = parseHandlers([{ name: 'news', clear: ['news/*'], followers: [] }]);

/** A root with one marker, its place in the database, and a record of what happens to both. */
export class RootWorld {
  now = 0;
  marker: Marker | undefined;
  identity = '1:1';
  mountPoint = '/srv/cache';
  row: (KnownRoot & Registration) | undefined;
  rival: string | undefined;
  others = false;
  left = false;
  missing = false;
  full = false;
  /** While true, nothing can be cleared. */
  broken = false;
  failures: ClearFailure[] = [];
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
          const { identity, marker, mountPoint } = world;
          const seen = marker ? ({ kind: 'marker', marker } as const) : ({ kind: 'absent' } as const);
          const front = { path: '', mounted: false, identity, marker: seen, writable: 'yes' as const };
          return { machine: 'm', boot: 'this', mountPoint, fronts: [front], silent: [] };
        },
        async write([mark]: readonly Mark[]) {
          if (world.full) throw new Error('Cannot keep the marker');
          world.marker = mark?.marker;
          world.did.push(mark?.marker.clean ? 'marked clean' : 'marked');
        },
        async sync() {
          world.did.push('synced');
        },
      },
      roots: {
        known: async () => world.row,
        history: async () => undefined,
        async register(row) {
          world.row = row;
          world.did.push(row.wiping ? 'registered as wiping' : 'registered');
        },
        rival: async () => world.rival,
        async leave() {
          world.left = true;
        },
        // It would also find itself.
        shared: async () => world.others || !world.left,
      },
      cache: {
        async clear(patterns, how) {
          if (world.broken) throw new Error('the worker died');
          world.did.push(`cleared ${[...patterns]} in ${how?.identities?.['']}`);
          return { files: 1, failures: world.failures };
        },
        close: async () => {},
      },
      handlers,
      timings: usualTimings.root,
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
