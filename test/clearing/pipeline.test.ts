import { beforeEach, expect, it } from 'vitest';
import { parseHandlers } from '../../src/clearing/handler.ts';
import { Pipeline } from '../../src/clearing/pipeline.ts';
import type { Cache, Journal, JournalRow } from '../../src/core/contracts.ts';
import { partsOf } from './context.ts';

/** Pages, some of which cannot be deleted, and one handler that runs a command. */
let refused: string[];
let commands: string[];
let commandFails: boolean;
let failed: number[];
let pipeline: Pipeline;

const { handlers } = parseHandlers([
  { name: 'page', queue: 'q', clear: ['{id}'], followers: [] },
  { name: 'mail', queue: 'm', clear: [], run: 'mail', followers: [] },
]);

const cache: Cache = {
  async clear(patterns) {
    const failing = [...patterns].flat().filter((pattern) => refused.includes(pattern));
    return {
      files: 0,
      failures: failing.map((pattern) => ({ pattern, path: pattern, code: 'EIO', message: 'broken' })),
    };
  },
  close: async () => {},
};

const journal: Partial<Journal> = {
  async fail(failures) {
    failed.push(...failures.map(({ id }) => id));
    return 0;
  },
};

function pipelineWith(lanes: boolean): Pipeline {
  const parts = {
    ...partsOf({ journal, cache, now: () => 0 }),
    handlers,
    run: async () => {
      if (commandFails) throw new Error('no');
      commands.push('mail');
    },
  };
  return new Pipeline(parts, { settleMs: 0, batch: 10, lanes });
}

beforeEach(() => {
  refused = [];
  commands = [];
  commandFails = false;
  failed = [];
  pipeline = pipelineWith(true);
});

const page = (id: number): JournalRow => ({ id, handler: 'page', key: { id: `p${id}` } });
const mail = (id: number): JournalRow => ({ id, handler: 'mail', key: {} });
const isInFlight = (row: JournalRow) => pipeline.context.inFlight.exclude([row]).length === 0;
const mailLane = () => pipeline.context.lanes.get('mail');

function handler(name: string) {
  const found = handlers.get(name);
  if (!found) throw new Error('no handler');
  return found;
}

it('lets what is cleared settle, and keeps what failed for a retry', async () => {
  refused = ['p2'];
  const outcome = await pipeline.clearClaimed(handler('page'), [page(1), page(2)], () => false);
  expect(outcome).toMatchObject({ cleared: [1], failures: [{ id: 2 }] });
  expect(pipeline.settling.pending).toBe(1);
  expect(pipeline.settling.wakeup.asked).toBe(true);
  expect(failed).toEqual([2]);
  expect(pipeline.context.retries.asked).toBe(true);
  expect(isInFlight(page(2))).toBe(false);
});

it('asks for no retry when nothing failed', async () => {
  await pipeline.clearClaimed(handler('page'), [page(1)], () => false);
  expect(pipeline.context.retries.asked).toBe(false);
});

it('clears kept rows of a handler with a command in its lane, and the others at once', async () => {
  const row = mail(1);
  await pipeline.clearKept([row, page(2)]);
  expect(commands).toEqual([]);
  expect(pipeline.settling.pending).toBe(1);
  expect(isInFlight(row)).toBe(true);
  expect(mailLane()?.wakeup.asked).toBe(true);
  expect(await mailLane()?.step()).toBe(null);
  expect(commands).toEqual(['mail']);
  expect(pipeline.settling.pending).toBe(2);
  expect(isInFlight(row)).toBe(false);
});

it('keeps the work of a lane until it is done', async () => {
  const { journal } = pipeline.context;
  const fail = journal.fail;
  Object.assign(journal, { fail: () => Promise.reject(new Error('cut')) });
  commandFails = true;
  await pipeline.clearKept([mail(1)]);
  await pipeline.clearKept([mail(2)]);
  await expect(mailLane()?.step()).rejects.toThrow('cut');
  Object.assign(journal, { fail });
  commandFails = false;
  expect(await mailLane()?.step()).toBe(0);
  expect(await mailLane()?.step()).toBe(null);
  expect(commands).toEqual(['mail', 'mail']);
  expect(pipeline.settling.pending).toBe(2);
});

it('does everything in turn without lanes', async () => {
  pipeline = pipelineWith(false);
  await pipeline.clearKept([mail(1), page(2)]);
  expect(commands).toEqual(['mail']);
  expect(pipeline.settling.pending).toBe(2);
});
