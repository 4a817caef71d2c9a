import { setImmediate as turn } from 'node:timers/promises';
import type { Rendering } from '../../src/memory-cache/contract.ts';
import type { Code } from './code.ts';
import type { Scenario, ScheduledWorld } from './schedule.ts';
import { ScheduleServer } from './schedule-server.ts';

/** A caller that has come, with the least version that it must be given. */
interface Caller {
  readonly floor: number;
  /** The version that its own render has read; undefined before. */
  read?: number;
  render?: { page: Rendering; end: (version: number) => void };
  got?: { version: number; outcome: string };
}

const key = { k: 'a' };

/** The real cache, one page of one row, and callers, around a server that does what the schedule says. */
export async function scheduleWorld(code: Code, scenario: Scenario): Promise<ScheduledWorld> {
  const { commits, callers: mostCallers, losses = 0, late = false, behindCurrent = false } = scenario;
  const server = new ScheduleServer();
  // After an error the next attempt comes at once. The proof is never renewed by itself: the time stands still.
  const wait = (ms: number) => (ms < 300 ? Promise.resolve() : new Promise<void>(() => {}));
  const clock = { now: () => 0, wait };
  const cache = code.followedCache<number>(
    code.sharedListener(server.source, clock, () => {}),
    { channels: ['c'], max: 10, maxStaleMs: 1_000, staleForMs: 0, now: () => 0, onError: () => {} },
  );
  const callers: Caller[] = [];
  let lost = 0;
  // It listens, and has proved it.
  while (server.actions.length === 0) await turn();
  for (const action of ['LISTEN', 'answer', 'deliver']) {
    server.act(action);
    await turn();
  }

  async function call(): Promise<void> {
    const caller: Caller = { floor: behindCurrent ? server.version : server.handled };
    callers.push(caller);
    // It may fail if the link is lost before it is proved to work. Then nothing is promised.
    if (behindCurrent && !(await cache.current().then(isTrue, isFalse))) {
      caller.got = { version: caller.floor, outcome: 'given up' };
      return;
    }
    const { value, outcome } = await cache.get('page', (page) => {
      if (!late) page.dependsOn('c', key);
      return new Promise<number>((end) => {
        delete caller.read;
        caller.render = { page, end };
      });
    });
    caller.got = { version: value, outcome };
  }

  function end(caller: Caller): void {
    const { render, read } = caller;
    delete caller.render;
    if (late) render?.page.dependsOn('c', key);
    render?.end(read ?? -1);
  }

  const world: ScheduledWorld = {
    get actions() {
      return [
        ...(server.version < commits ? ['commit'] : []),
        ...server.actions,
        ...(lost < losses && server.isListening ? ['lose'] : []),
        ...(callers.length < mostCallers ? ['call'] : []),
        ...callers.flatMap(({ render, read }, nth) => {
          if (render === undefined) return [];
          return [read === undefined ? `read ${nth}` : `end ${nth}`];
        }),
      ];
    },
    act(action) {
      const [what, nth] = action.split(' ');
      const caller = callers[Number(nth)];
      if (action === 'commit') server.commit(JSON.stringify(key));
      else if (action === 'call') call();
      else if (what === 'read' && caller) caller.read = server.version;
      else if (what === 'end' && caller) end(caller);
      else server.act(action);
      if (action === 'lose') lost += 1;
    },
    get outcomes() {
      return callers.flatMap(({ got }) => (got ? [got.outcome] : []));
    },
    broken() {
      for (const { floor, got } of callers)
        if (got && got.version < floor)
          return `a caller that came when version ${floor} was known is given ${got.version} (${got.outcome})`;
      if (world.actions.length > 0) return undefined;
      const version = cache.peek('page');
      if (version !== undefined && version !== server.version)
        return `at rest version ${version} of ${server.version} is in memory`;
      if (callers.some(({ got }) => got === undefined)) return 'at rest a caller still waits';
      return cache.statistics().rendering === 0 ? undefined : 'at rest a render is remembered';
    },
    close: () => void cache.close(),
  };
  return world;
}

const isTrue = () => true;
const isFalse = () => false;
