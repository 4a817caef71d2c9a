import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { statusLockedMs, statusTimings, usualTimings } from '../../src/core/timings.ts';
import { projectRoot } from '../postgres/project-root.ts';

const { database, recovery, settling, root, worker, stop, throttles } = usualTimings;
const { claimLaterMs, consumerSeenMs, missedHeartbeats } = usualTimings;
const reliability = readFileSync(join(projectRoot, 'doc/reliability.md'), 'utf8');
const operating = readFileSync(join(projectRoot, 'doc/operating.md'), 'utf8');

it('lets the server give up a statement before we do, and a lock before that', () => {
  expect(database.lockMs).toBeLessThan(database.statementMs);
  expect(database.statementMs).toBeLessThan(database.queryMs);
});

it('gives up on many locked tables, or on a slow one, before a monitor gives up', () => {
  const monitorMs = 10_000;
  const { lockMs, statementMs, queryMs } = statusTimings.database;
  expect(lockMs).toBeLessThan(statementMs);
  expect(statementMs).toBeLessThan(queryMs);
  expect(statusLockedMs + statementMs + lockMs).toBeLessThan(monitorMs);
});

it('reads the log for longer than a statement can outlive its client', () => {
  expect(recovery.outliveMs).toBeGreaterThan(database.statementMs);
  expect(recovery.rescanMs).toBeLessThan(recovery.outliveMs);
});

it('waits for answers for less than others do for our claims, and than it takes to read the log again', () => {
  expect(recovery.answerMs).toBeLessThan(claimLaterMs);
  expect(recovery.answerMs).toBeLessThan(recovery.rescanMs);
});

it('looks at open transactions as soon as rows may have waited to share a snapshot', () => {
  expect(settling.snapshotAgainMs).toBeLessThanOrEqual(settling.gatherMs);
  expect(settling.gatherMs).toBeLessThanOrEqual(settling.writeAgainMs);
});

it('reports its consumers often enough that one lost report makes none expire or look dead', () => {
  // In config/options.ts.
  const leastExpireMs = 60_000;
  expect(consumerSeenMs * 2).toBeLessThan(leastExpireMs);
  expect(missedHeartbeats).toBeGreaterThanOrEqual(2);
});

it('takes over and claims for another daemon as soon as doc/operating.md says', () => {
  expect(operating).toContain(
    `takes over within ${root.standbyMs === 2_000 ? 'two' : root.standbyMs} seconds`,
  );
  expect(claimLaterMs).toBe(1_000);
  expect(operating).toContain('the others do a second later');
});

it('recovers within the time that doc/reliability.md promises, which is the sum of its parts', () => {
  const rows = [...reliability.matchAll(/^\| (.*) \| (?:`heartbeat` \+ |below )?(\d+) s \|$/gm)];
  const [noticed, claim] = rows.map(([, part]) => part);
  const parts = rows.map(([, , seconds]) => Number(seconds) * 1_000);
  expect(parts.slice(0, 2)).toEqual([database.sendMs, database.queryMs]);
  expect(noticed).toContain(` ${database.sendMs / 1_000} s `);
  expect(noticed).toContain(`(${database.deliveryMs / 1_000} s `);
  expect(claim).toContain(` ${database.statementMs / 1_000} s`);
  const promises = [...reliability.matchAll(/`heartbeat` \+ (\d+) s\s+at\s+most/g)];
  const longest = Math.max(...promises.map(([, seconds]) => Number(seconds) * 1_000));
  expect(parts.reduce((sum, part) => sum + part)).toBe(longest);
});

it('gives up a worker that is silent before the time to stop is over', () => {
  expect(worker.hurriedMs).toBeLessThan(stop.batchMs);
  expect(worker.hurriedMs).toBeLessThan(worker.patienceMs);
  expect(worker.patienceMs).toBeLessThanOrEqual(worker.startMs);
});

it('does not wait for a hanging root before it listens for longer than another daemon takes to stand by', () => {
  expect(root.inspectMs).toBeLessThanOrEqual(root.standbyMs);
  expect(root.againMs).toBeLessThanOrEqual(root.inspectMs);
});

it('lets the report of a daemon that gave up stand until another one can have started', () => {
  expect(stop.goneMs).toBeGreaterThan(stop.batchMs + stop.closeMs + stop.reportMs);
});

it('throttles to a limit, and does the first at once', () => {
  for (const { leastMs, mostMs } of Object.values(throttles)) {
    expect(leastMs).toBeGreaterThan(0);
    expect(leastMs).toBeLessThan(mostMs);
  }
});
