import type { Log, LogCount, SeenConsumer } from '../core/consumer-contract.ts';
import type { Backlog, Queue } from '../core/contracts.ts';
import type { HandlerStatus, Problem } from '../core/daemon-status.ts';
import { explain, isOutage, toError } from '../core/errors.ts';
import type { Holding } from '../core/holding.ts';
import { openTurns, type Turns } from '../core/turns.ts';

export interface CountSource {
  /** The daemon that counts, as the owner of consumers. */
  readonly owner?: string;
  readonly handlers: ReadonlyMap<string, { readonly columns: readonly string[] }>;
  readonly queues: ReadonlyMap<string, Queue>;
  readonly log: Pick<Log, 'counts' | 'consumers' | 'failing' | 'recentClearings'>;
  /** Handlers that the configuration lacks something for. */
  readonly disabled: ReadonlyMap<string, { readonly why: string }>;
  /** The queue tables whose entries wait for these. */
  readonly disabledQueues: ReadonlyMap<string, Queue>;
  /** What holds announcements; undefined where the barrier is not installed. */
  readonly holding?: () => Promise<readonly Holding[] | undefined>;
}

export interface HandlerCounts {
  readonly consumers: readonly SeenConsumer[];
  readonly handlers: readonly HandlerStatus[];
  readonly holding?: readonly Holding[] | undefined;
  /** Counts that failed and that belong to no handler. */
  readonly problems: readonly Problem[];
}

/**
 * Every configured handler, those that are disabled, and others that the log has rows of. A count that
 * fails hides nothing else; rejects if the database cannot be reached.
 * @param turns each takes a connection; one statement after the other by default, since clearing needs
 *   connections, too
 */
export async function countHandlers(
  source: CountSource,
  turns = openTurns({ atOnce: 1 }),
): Promise<HandlerCounts> {
  const { owner, handlers, queues, log, disabled, disabledQueues, holding: ask } = source;
  const problems: Problem[] = [];
  const uncounted = (thrown: unknown): [] => {
    problems.push({ level: 'critical', kind: 'log', text: reasonOf(thrown) });
    return [];
  };
  const logRows: Promise<LogCount[]> = turns(() => log.counts(owner)).catch(uncounted);
  const held = turns(async () => ask?.()).catch((thrown: unknown) => {
    problems.push({ level: 'warning', kind: 'barrier', text: reasonOf(thrown) });
    return undefined;
  });
  const fleet: Promise<SeenConsumer[]> = turns(() => log.consumers()).catch(uncounted);
  const counted = [...new Set([...handlers.keys(), ...disabledQueues.keys()])].map(
    async (handler) =>
      [handler, await countQueue(queues.get(handler) ?? disabledQueues.get(handler), turns)] as const,
  );
  const [rows, consumers, holding, ...backlogs] = await Promise.all([logRows, fleet, held, ...counted]);
  const counts = new Map(rows.map((one) => [one.handler, one]));
  const own = new Map(backlogs);
  const status = (handler: string): HandlerStatus => {
    const state = handlers.has(handler) ? 'configured' : disabled.has(handler) ? 'disabled' : 'unknown';
    const why = state === 'disabled' ? (disabled.get(handler)?.why ?? null) : null;
    return statusOf(handler, {
      state,
      why,
      queue: own.get(handler) ?? noQueue,
      inLog: counts.get(handler),
    });
  };
  const names = [...new Set([...own.keys(), ...counts.keys()])];
  return { handlers: names.map(status), consumers, problems, ...(holding && { holding }) };
}

type CountedQueue = Omit<Backlog, 'entries'> & { entries: number | null };

const noQueue: CountedQueue = { entries: 0, lagMs: null, ofUnknownAge: 0 };

async function countQueue(queue: Queue | undefined, turns: Turns): Promise<CountedQueue> {
  if (queue === undefined) return noQueue;
  try {
    return await turns(() => queue.backlog());
  } catch (thrown) {
    return { entries: null, lagMs: null, ofUnknownAge: 0, problem: reasonOf(thrown) };
  }
}

/** Throws the error again if the database cannot be reached, which concerns all. */
function reasonOf(thrown: unknown): string {
  const error = toError(thrown);
  if (isOutage(error)) throw error;
  return explain(error);
}

const nothing: Omit<LogCount, 'handler'> = {
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

function statusOf(
  handler: string,
  {
    state,
    why,
    queue,
    inLog = { handler, ...nothing },
  }: {
    state: HandlerStatus['state'];
    why: string | null;
    queue: CountedQueue;
    inLog: LogCount | undefined;
  },
): HandlerStatus {
  const { claimed, settling, settlingMs, failing, invalid, invalidMs, error, claimedMs, failingMs } = inLog;
  const waitedMs = Math.max(queue.lagMs ?? 0, claimedMs ?? 0, failingMs ?? 0);
  return {
    handler,
    state,
    problem: why ?? queue.problem ?? null,
    backlog: queue.entries,
    lagMs: queue.entries === null || queue.ofUnknownAge > 0 ? null : waitedMs,
    lagAtLeastMs: waitedMs,
    claimed,
    settling,
    longestSettlingMs: settlingMs,
    failing,
    invalid,
    newestInvalidAgeMs: invalidMs,
    error,
  };
}
