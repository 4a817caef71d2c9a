import { setImmediate as turn } from 'node:timers/promises';
import type { MemoryCache } from '../../src/memory-cache/contract.ts';
import type { LayeredPages } from '../../src/memory-cache/layered-pages.ts';
import type { Page, PageCache, Render } from '../../src/page-cache/page-cache.ts';
import type { Code } from './code.ts';
import type { ScheduledWorld } from './schedule.ts';
import { ScheduleServer } from './schedule-server.ts';

export interface LayeredScenario {
  readonly commits: number;
  readonly callers: number;
  readonly order: (parts: { memory: MemoryCache<Buffer>; disk: PageCache }) => LayeredPages;
}

/**
 * A directory with one page, by the rules of page-cache (test/page-cache/protocol-model has its own steps): a
 * clearing deletes the temp of a render, which is then not published and not joined.
 */
class Disk implements PageCache {
  version: number | undefined;
  #running: { inPlace: boolean; page: Promise<Page> } | undefined;

  async page(_path: string, render: Render): Promise<Page> {
    if (this.version !== undefined) return { body: Buffer.from(String(this.version)), outcome: 'hit' };
    if (this.#running?.inPlace) return this.#running.page;
    const own: { inPlace: boolean; page: Promise<Page> } = { inPlace: true, page: Promise.reject() };
    own.page.catch(() => {});
    this.#running = own;
    own.page = (async () => {
      const body = Buffer.from(await render());
      if (this.#running === own) this.#running = undefined;
      if (!own.inPlace) return { body, outcome: 'overtaken' };
      this.version = Number(body);
      return { body, outcome: 'stored' };
    })();
    return own.page;
  }

  clear(): void {
    if (this.#running) this.#running.inPlace = false;
    this.version = undefined;
  }
}

/** Memory before disk, a daemon that clears, and callers. Memory and daemon hear of a commit in either order. */
export async function layeredWorld(code: Code, scenario: LayeredScenario): Promise<ScheduledWorld> {
  const server = new ScheduleServer();
  const memory = code.followedCache<Buffer>(
    code.sharedListener(server.source, { now: () => 0, wait: () => new Promise(() => {}) }, () => {}),
    { channels: ['c'], max: 10, maxStaleMs: 1_000, staleForMs: 0, now: () => 0, onError: () => {} },
  );
  const disk = new Disk();
  const pages = scenario.order({ memory, disk });
  let cleared = 0;
  const callers: {
    readonly floor: number;
    read?: number;
    end?: (body: string) => void;
    got?: { version: number; outcome: string };
  }[] = [];
  while (server.actions.length === 0) await turn();
  for (const action of ['LISTEN', 'answer', 'deliver']) {
    server.act(action);
    await turn();
  }

  async function call(): Promise<void> {
    const caller: (typeof callers)[number] = { floor: Math.min(server.handled, cleared) };
    callers.push(caller);
    const { body, outcome } = await pages.page('page', (page) => {
      page.dependsOn('c', { k: 'a' });
      return new Promise<string>((end) => {
        caller.end = end;
      });
    });
    caller.got = { version: Number(body), outcome };
  }

  const world: ScheduledWorld = {
    get actions() {
      return [
        ...(server.version < scenario.commits ? ['commit'] : []),
        ...server.actions,
        ...(cleared < server.version ? ['clear'] : []),
        ...(callers.length < scenario.callers ? ['call'] : []),
        ...callers.flatMap(({ end, read }, nth) =>
          end === undefined ? [] : [read === undefined ? `read ${nth}` : `end ${nth}`],
        ),
      ];
    },
    act(action) {
      const [what, nth] = action.split(' ');
      const caller = callers[Number(nth)];
      if (action === 'commit') server.commit('{"k":"a"}');
      else if (action === 'call') call();
      else if (action === 'clear') {
        disk.clear();
        cleared = server.version;
      } else if (what === 'read' && caller) caller.read = server.version;
      else if (what === 'end' && caller) {
        caller.end?.(String(caller.read));
        delete caller.end;
      } else server.act(action);
    },
    get outcomes() {
      return callers.flatMap(({ got }) => (got ? [got.outcome] : []));
    },
    broken() {
      for (const { floor, got } of callers)
        if (got && got.version < floor)
          return `a caller that came when both had done with version ${floor} is given ${got.version} (${got.outcome})`;
      if (world.actions.length > 0) return undefined;
      const inMemory = memory.peek('page');
      if (inMemory && Number(inMemory) !== server.version) return `at rest version ${inMemory} is in memory`;
      if (disk.version !== undefined && disk.version !== server.version)
        return `at rest version ${disk.version} is on disk`;
      return callers.every(({ got }) => got) ? undefined : 'at rest a caller still waits';
    },
    close: () => void memory.close(),
  };
  return world;
}
