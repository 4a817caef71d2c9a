import type { Clock, FailingRow, Journal, JournalCount, Key, Queue } from '../../src/core/contracts.ts';
import { openWatch, type Watch } from '../../src/observe/watch.ts';
import { seeded } from '../random.ts';

const hourMs = 3_600_000;
const momentMs = 10_000;
const ports = ['nginx', 'postgresql17-server', 'py-django', 'node22', 'rust', 'ca_root_nss', 'curl', 'uv'];
const categories = ['www', 'databases', 'www', 'www', 'lang', 'security', 'ftp', 'devel'];

/** An hour in the life of a site, for pictures: what is watched is real, the clock, the events and the database are not. */
export async function makeUpHour({ failing = [] as readonly FailingRow[], lagMs = 0 } = {}): Promise<Watch> {
  const random = seeded('an hour').next;
  let now = 0;
  let imported = 0;
  const clock: Clock = {
    now: () => now,
    async wait(ms, signal) {
      if (now < hourMs && ms >= momentMs) {
        now += ms;
        live();
      } else {
        if (now >= hourMs) lived();
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
      }
    },
  };
  let lived = () => {};
  const hour = new Promise<void>((resolve) => {
    lived = resolve;
  });
  const from = Date.now() - hourMs;
  const watch = openWatch('0.1.0', clock, () => from + now);

  function live(): void {
    // An import of packages.
    if (now === 24 * 60_000) imported = 41_000;
    if (now < hourMs) watch.observe({ kind: 'heartbeat', ms: 1 });
    const batches = Math.floor(random() * 2.4);
    for (let batch = 0; batch < batches; batch++)
      clear(1 + Math.floor(random() ** 3 * 3), 4 + 40 * random() ** 6);
    if (imported === 0) return;
    const size = Math.min(imported, 3_400);
    imported -= size;
    clear(size, 400 + 0.9 * (41_000 - imported));
  }

  function keyOf(handler: string, which: number): Key {
    if (handler === 'listen_port') return { category: categories[which] ?? '', port: ports[which] ?? '' };
    return {
      commit_to_clear: Array.from({ length: 10 }, () => Math.floor(random() * 16).toString(16)).join(''),
    };
  }

  function clear(keys: number, lagMs: number): void {
    const chosen = Math.floor(random() * ports.length);
    const handler = random() < 0.75 || keys > 9 ? 'listen_port' : 'listen_commit';
    const examples = [0, 1, 2].slice(0, keys).map((next) => keyOf(handler, (chosen + next) % ports.length));
    const files = keys * 3 + Math.floor(random() * 4);
    watch.observe({ kind: 'tried', handler, cleared: [], files, failures: [] });
    watch.observe({ kind: 'cleared', handler, entries: keys, keys, examples, files, ms: 8, lagMs });
  }

  const handlers = ['listen_port', 'listen_commit', 'listen_date_updated', 'listen_file_updated', 'news'];
  const count = async (): Promise<JournalCount[]> =>
    handlers.slice(0, 2).map((handler, index) => ({
      handler,
      claimed: 0,
      settling: index === 0 ? 3 : 1,
      failing: index === 0 ? failing.length : 0,
      claimedMs: null,
      settlingMs: 4_000,
      error: failing[0]?.error ?? null,
    }));
  const journal = { counts: count, failing: async () => [...failing] } as Partial<Journal> as Journal;
  const queue: Queue = {
    claim: () => Promise.reject(new Error('this one is not claimed from')),
    backlog: async () => ({ entries: imported, lagMs: imported > 0 ? 20_000 : lagMs }),
  };
  const queues = new Map([['listen_port', queue]]);
  watch.keepCounting(
    { handlers: new Map(handlers.map((name) => [name, { columns: [] }])), queues, journal },
    new AbortController().signal,
  );
  await hour;
  return watch;
}
