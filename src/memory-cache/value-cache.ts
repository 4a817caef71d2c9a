import { LRUCache } from 'lru-cache';
import {
  type GetOptions,
  type MemoryCache,
  type Outcome,
  outcomes,
  type Render,
  type Result,
} from './contract.ts';
import type { Dependency, NotifiedKey } from './dependency.ts';
import { DependencyIndex, type Shared } from './dependency-index.ts';
import { rendering } from './rendering.ts';
import { Renders, type Render as UnderWay } from './renders.ts';

interface ValueCacheOptions {
  readonly channels: readonly string[];
  readonly max: number;
  readonly maxStaleMs: number;
  readonly staleForMs: number;
  /** Milliseconds on a clock that never goes back. */
  readonly now: () => number;
  /** Of a render that nobody waits for. */
  readonly onError: (error: Error) => void;
}

/** The cache without its connection: what is heard of comes in by method calls. */
export interface ValueCache<Value> extends Omit<MemoryCache<Value>, 'current' | 'close'> {
  changed(channel: string, key: NotifiedKey): void;
  /** Everything that was committed before `at` has been heard of. */
  proven(at: number): void;
  close(): void;
}

interface Entry<Value> {
  readonly key: string;
  readonly value: Value;
  shared: readonly Shared<Entry<Value>>[];
  readonly expiresAt: number | undefined;
  changedAt: number | undefined;
}

export function valueCache<Value>(options: ValueCacheOptions): ValueCache<Value> {
  const { max, maxStaleMs, staleForMs, now, onError } = options;
  const renders = new Renders();
  /** The newest render of each key, which callers join. */
  const joinable = new Map<string, { readonly own: UnderWay; readonly done: Promise<Result<Value>> }>();
  const counts = Object.fromEntries(outcomes.map((outcome) => [outcome, 0])) as Record<Outcome, number>;
  const totals = { changes: 0, dropped: 0, evicted: 0, wipes: 0 };
  let { entries, index } = empty();
  let provenAt = Number.NEGATIVE_INFINITY;
  let closed = false;

  function empty() {
    const index = new DependencyIndex<Entry<Value>>();
    const entries = new LRUCache<string, Entry<Value>>({
      max,
      dispose(entry, _key, reason) {
        if (reason === 'evict') totals.evicted += 1;
        for (const shared of entry.shared) index.remove(shared, entry);
      },
    });
    return { entries, index };
  }

  const usable = () => !closed && now() - provenAt <= maxStaleMs;

  function counted(value: Value, outcome: Outcome): Result<Value> {
    counts[outcome] += 1;
    return { value, outcome };
  }

  function find(key: string): Entry<Value> | undefined {
    const entry = entries.get(key);
    return entry?.expiresAt === undefined || now() < entry.expiresAt ? entry : undefined;
  }

  async function get(key: string, render: Render<Value>, how: GetOptions = {}): Promise<Result<Value>> {
    const arrived = renders.count;
    for (;;) {
      if (!usable()) return bypass(render);
      const entry = find(key);
      if (entry && entry.changedAt === undefined) return counted(entry.value, 'hit');
      const running = joinable.get(key);
      if (entry?.changedAt !== undefined && now() - entry.changedAt <= staleForMs) {
        if (!running) begin(key, render, how).catch((cause) => onError(notRefreshed(key, cause)));
        return counted(entry.value, 'stale');
      }
      // A change between the beginning of that render and this caller's arrival may not be in it. What it depends
      // on may be known only at its end. A render that began after the arrival is right for it in any case.
      if (!running || renders.isOvertaken(running.own, arrived)) return begin(key, render, how);
      await running.done.catch(() => {});
      if (!renders.isOvertaken(running.own, arrived)) return counted((await running.done).value, 'joined');
    }
  }

  /** Callers from now on join this one, and not an older render of the same key. */
  function begin(key: string, render: Render<Value>, how: GetOptions): Promise<Result<Value>> {
    // Before the render takes its snapshot: a change that the snapshot lacks has a later number.
    const own = renders.begin();
    const page = rendering(key, options.channels, (dependency) => renders.dependsOn(own, dependency));
    const ended = (): boolean => {
      page.end();
      const overtaken = renders.isOvertaken(own);
      renders.end(own);
      if (joinable.get(key)?.own === own) joinable.delete(key);
      return overtaken;
    };
    const done = Promise.resolve(page)
      .then(render)
      .then(
        (value) => {
          if (ended()) return counted(value, 'overtaken');
          if (!usable()) return counted(value, 'bypassed');
          store(key, value, own.dependencies, how);
          return counted(value, 'stored');
        },
        (error: unknown) => {
          ended();
          throw error;
        },
      );
    joinable.set(key, { own, done });
    return done;
  }

  function store(key: string, value: Value, on: readonly Dependency[], { ttlMs }: GetOptions): void {
    const expiresAt = ttlMs === undefined ? undefined : now() + ttlMs;
    const entry: Entry<Value> = { key, value, shared: [], expiresAt, changedAt: undefined };
    entries.set(key, entry);
    // Afterwards: the entry that it replaces may have been the last one with the same dependency.
    entry.shared = on.map((dependency) => index.add(dependency, entry));
  }

  async function bypass(render: Render<Value>): Promise<Result<Value>> {
    return counted(await render(rendering('', options.channels, () => {})), 'bypassed');
  }

  return {
    get,
    fill: async (key, render, how = {}) => (usable() ? begin(key, render, how) : bypass(render)),
    peek(key) {
      const entry = usable() ? find(key) : undefined;
      if (entry === undefined || entry.changedAt !== undefined) return undefined;
      return counted(entry.value, 'hit').value;
    },
    changed(channel, key) {
      totals.changes += 1;
      renders.changed({ channel, key });
      for (const entry of index.concerned(channel, key)) {
        if (entry.changedAt !== undefined) continue;
        totals.dropped += 1;
        if (staleForMs > 0) entry.changedAt = now();
        else entries.delete(entry.key);
      }
    },
    wipe() {
      totals.wipes += 1;
      renders.changed({ channel: undefined, key: undefined });
      ({ entries, index } = empty());
    },
    proven(at) {
      provenAt = Math.max(provenAt, at);
    },
    statistics: () => ({
      outcomes: { ...counts },
      ...totals,
      entries: entries.size,
      dependencies: index.size,
      rendering: renders.size,
      provenMsAgo: now() - provenAt,
      usable: usable(),
    }),
    close() {
      closed = true;
      ({ entries, index } = empty());
    },
  };
}

function notRefreshed(key: string, cause: unknown): Error {
  return new Error(`Cannot render ${JSON.stringify(key)} again: it is stale until that succeeds`, { cause });
}
