import type { FailingRow, LogCount, SeenConsumer } from '../../src/core/consumer-contract.ts';
import { downSince } from '../../src/core/consumer-problem.ts';
import type { Clock, Key, Queue } from '../../src/core/contracts.ts';
import type { CountSource } from '../../src/observe/count-handlers.ts';
import { type Monitor, openMonitor } from '../../src/observe/monitor.ts';
import { emptyLog } from '../observe/empty-log.ts';
import { seeded } from '../random.ts';

const hourMs = 3_600_000;
const momentMs = 10_000;
const slugs = [
  'spring-in-the-hills',
  'a-new-bridge',
  'election-results',
  'bread-at-home',
  'ferry-timetable',
  'night-trains',
  'the-old-mill',
  'harbour-lights',
];
const sections = ['travel', 'news', 'news', 'food', 'travel', 'travel', 'culture', 'culture'];
const tags = ['Europe', 'Bridges', 'Elections', 'Baking', 'Ferries', 'Trains', 'History', 'Photography'];

/**
 * A made-up hour of a site, for pictures. The monitor is real. The clock, the events and the database are
 * fakes.
 */
export async function makeUpHour({
  failing = [] as readonly FailingRow[],
  lagMs = 0,
  unwell = false,
} = {}): Promise<Monitor> {
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
  const watch = openMonitor('0.1.0', clock, { wall: () => from + now });

  function live(): void {
    // An import of old articles.
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
    if (handler === 'articles') return { section: sections[which] ?? '', slug: slugs[which] ?? '' };
    if (handler === 'lists') return { section: sections[which] ?? '' };
    return { tag: tags[which] ?? '', initial: tags[which]?.charAt(0) ?? '' };
  }

  function clear(keys: number, lagMs: number): void {
    const chosen = Math.floor(random() * slugs.length);
    const drawn = random();
    const handler = drawn < 0.6 || keys > 9 ? 'articles' : drawn < 0.8 ? 'tags' : 'lists';
    const examples = [0, 1, 2].slice(0, keys).map((next) => keyOf(handler, (chosen + next) % slugs.length));
    const files = keys * 3 + Math.floor(random() * 4);
    const done = { handler, consumer: 'files', cleared: [], files, failures: [], invalid: [] };
    watch.observe({ kind: 'batch-done', ...done });
    watch.observe({
      kind: 'cleared',
      handler,
      entries: keys,
      keys,
      examples,
      failedKeys: 0,
      files,
      ms: 8,
      lagMs,
    });
  }

  /** The failures of a bad night, with long texts. */
  function ail(): void {
    watch.observe({
      kind: 'reload-refused',
      problems: [`uncached.ini: ${longPath} is no directory`],
      retryMs: null,
    });
    watch.notice({ kind: 'loop-failed', loop: 'root', error: new Error(noRoot), retryMs: 1_000 });
    const batch = { handler: 'articles', examples: [keyOf('articles', 0)], files: 1, ms: 8 };
    watch.observe({ kind: 'cleared', ...batch, entries: 1, keys: 1, failedKeys: 2, lagMs: null });
    watch.observe({ kind: 'clear-failed', ...batch, failedKeys: 7 });
  }

  const handlers = ['articles', 'tags', 'lists', 'archive', 'feeds'];
  const count = async (): Promise<LogCount[]> =>
    handlers.slice(0, 2).map((handler, index) => ({
      handler,
      claimed: 0,
      settling: index === 0 ? 3 : 1,
      failing: index === 0 ? failing.length : 0,
      invalid: 0,
      invalidMs: null,
      claimedMs: null,
      failingMs: index === 0 && failing.length > 0 ? 20_000 : null,
      settlingMs: 4_000,
      error: failing[0]?.error ?? null,
    }));
  const strangers = async (): Promise<LogCount[]> => [
    ...(await count()),
    { ...none, handler: 'polls', settling: 2 },
  ];
  const log: CountSource['log'] = {
    ...emptyLog,
    counts: unwell ? strangers : count,
    consumers: async () => (unwell ? [own, target, silent, expired] : [own]),
    failing: async ({ invalid }) => (invalid ? [] : [...failing]),
  };
  const queue: Queue = {
    claim: () => Promise.reject(new Error('this one is not claimed from')),
    backlog: async () => ({ entries: imported, lagMs: imported > 0 ? 20_000 : lagMs, ofUnknownAge: 0 }),
  };
  const shut: Queue = { ...queue, backlog: () => Promise.reject(new Error(noRight)) };
  const ageless: Queue = { ...queue, backlog: async () => ({ entries: 7, lagMs: null, ofUnknownAge: 7 }) };
  const left: Queue = { ...queue, backlog: async () => ({ entries: 12, lagMs: 0, ofUnknownAge: 0 }) };
  const queues = new Map([
    ['articles', queue],
    ...(unwell
      ? ([
          ['tags', shut],
          ['lists', ageless],
        ] as const)
      : []),
  ]);
  const disabled = new Map(unwell ? [['archive', { why: noArchive }]] : []);
  watch.keepCounting(
    {
      owner: 'own',
      handlers: new Map(
        handlers.filter((name) => !disabled.has(name)).map((name) => [name, { columns: [] }]),
      ),
      queues,
      log,
      disabled,
      disabledQueues: new Map([...disabled.keys()].map((name) => [name, left])),
    },
    new AbortController().signal,
  );
  await hour;
  if (!unwell) return watch;
  ail();
  // The page has no thresholds of its own.
  const thresholds = { warningMs: 5_000, criticalMs: 50_000 };
  return { ...watch, status: async () => ({ ...(await watch.status()), thresholds }) };
}

const longPath = `/srv/www/${'a-long-name.example.org-'.repeat(6)}/cache`;
const noRoot = `${longPath} is not the cache: its marker .uncached is missing. If it is, put it there: uncached check`;
export const noRight =
  'permission denied for table cache_clearing_tags: GRANT SELECT, DELETE ON cache_clearing_tags TO uncached';
const noArchive = 'set its directory';

const none = {
  claimed: 0,
  settling: 0,
  failing: 0,
  invalid: 0,
  invalidMs: null,
  claimedMs: null,
  failingMs: null,
  settlingMs: null,
  error: null,
};

const own: SeenConsumer = {
  id: '7c1d5e09ab34f682',
  kind: 'files',
  name: 'files',
  node: 'web1.example.org',
  place: '/var/cache/site',
  state: 'live',
  behind: 0,
  unsettled: 4,
  lagMs: null,
  failing: 2,
  seenMs: 3_000,
  owner: 'own',
  connected: true,
  problem: null,
  version: '0.1.0',
};
const target: SeenConsumer = {
  ...own,
  id: `${own.id} purge varnish`,
  kind: 'purge',
  name: 'varnish',
  node: null,
  place: 'http://127.0.0.1:6081',
  problem: downSince(Date.UTC(2026, 10, 21), 'does not answer'),
};
const silent: SeenConsumer = {
  ...own,
  id: '31e8f2a90c5b7d46',
  node: 'web2.example.org',
  place: longPath,
  behind: 41_012,
  unsettled: 41_015,
  lagMs: 94_000,
  failing: 0,
  seenMs: 94_000,
  owner: 'other',
  connected: false,
};
const expired: SeenConsumer = {
  ...own,
  id: '90ab12cd34ef5678',
  node: 'web3.example.org',
  state: 'expired',
  failing: 0,
  seenMs: 7 * 3_600_000,
  owner: null,
  connected: false,
};
