import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { backoffMs } from '../../src/core/backoff.ts';
import { usualThresholds } from '../../src/core/daemon-status.ts';
import { parseDuration } from '../../src/core/duration.ts';
import { statusLockedMs, statusTimings, usualTimings } from '../../src/core/timings.ts';
import { projectRoot } from '../postgres/project-root.ts';

const { database, recovery, settling, root, worker, stop, claims, throttles } = usualTimings;
const { backoff, retry, commandMs, consumerSeenMs, missedHeartbeats } = usualTimings;
const design = readFileSync(join(projectRoot, 'doc/design.md'), 'utf8');
const config = readFileSync(join(projectRoot, 'doc/config.md'), 'utf8');
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
  expect(recovery.answerMs).toBeLessThan(claims.laterMs);
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
  expect(claims.laterMs).toBe(1_000);
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

it('hears of progress several times before it gives up, and before another worker joins', () => {
  expect(worker.progressMs * 2).toBeLessThan(worker.hurriedMs);
  expect(worker.progressMs).toBeLessThanOrEqual(worker.joinSilentMs);
  expect(worker.joinSilentMs).toBeLessThan(worker.joinBusyMs);
  expect(worker.joinBusyMs).toBeLessThan(worker.patienceMs);
});

it('stops in time although a worker cannot be killed and the disk takes nothing', () => {
  expect(worker.hurriedMs + worker.checkAgainMs + root.syncMs).toBeLessThan(stop.batchMs);
  expect(worker.killMs).toBeLessThan(stop.closeMs);
});

it('probes a directory that hung less and less often, and at least as soon as its lag is critical', () => {
  expect(worker.probeMs).toBeGreaterThanOrEqual(worker.patienceMs);
  expect(worker.probeMs).toBeLessThan(worker.longestProbeMs);
  expect(worker.longestProbeMs).toBeLessThanOrEqual(usualThresholds.criticalMs);
});

it('does not wait for a hanging root before it listens for longer than another daemon takes to stand by', () => {
  expect(root.inspectMs).toBeLessThanOrEqual(root.standbyMs);
  expect(root.againMs).toBeLessThanOrEqual(root.inspectMs);
});

it('lets the report of a daemon that gave up stand until another one can have started', () => {
  expect(stop.goneMs).toBeGreaterThan(stop.batchMs + stop.closeMs + stop.reportMs);
});

it('lengthens each pause up to a limit, and takes the first at once', () => {
  for (const { leastMs, mostMs } of [...Object.values(throttles), claims.cooldown, backoff, retry]) {
    expect(leastMs).toBeGreaterThan(0);
    expect(leastMs).toBeLessThan(mostMs);
  }
});

it('spaces requests as doc/design.md says', () => {
  const rows = [...design.matchAll(/^\| .* \| ([\d.]+ m?s) \| ([\d.]+ m?s) \|$/gm)];
  const stated = rows.map(([, least = '', most = '']) => [least, most].map((one) => parseDuration(one)));
  const { withoutQueue, retry, channels, catchUp } = throttles;
  const limits = [withoutQueue, retry, channels, catchUp, claims.cooldown];
  expect(stated).toEqual(limits.map(({ leastMs, mostMs }) => [leastMs, mostMs]));
});

it('pauses after claims that found nothing for less than the least of all other pauses', () => {
  const others = Object.values(throttles).map(({ leastMs }) => leastMs);
  expect(claims.cooldown.mostMs).toBeLessThan(Math.min(...others, backoff.leastMs, claims.laterMs));
  expect(claims.cooldown.mostMs).toBeLessThan(claims.calmMs);
});

it('takes fewer entries long before the server would give up the claim', () => {
  expect(claims.slowMs * 4).toBeLessThan(database.lockMs);
});

it('counts no notification as empty that may have been under way: one that takes longer ends its listener', () => {
  expect(claims.notificationMs).toBeGreaterThanOrEqual(database.deliveryMs);
  expect(design).toContain('since two seconds before it came');
  expect(claims.notificationMs).toBe(2_000);
});

it('tries again soon at first, and then as often as doc/reliability.md says', () => {
  const withinASecond = [1, 2, 3].reduce((sum, attempt) => sum + backoffMs(attempt, backoff, () => 1), 0);
  expect(withinASecond).toBeLessThan(1_000);
  expect(reliability).toContain(`asks the hosts at least every ${backoff.mostMs / 1_000} s`);
  expect(reliability).toContain(`delays those after it\n  in the list by ${database.connectMs / 1_000} s`);
  expect(backoff.mostMs + database.connectMs).toBeLessThan(usualThresholds.criticalMs);
});

it('retries what could not be deleted as doc/design.md says, and not sooner than what only waits', () => {
  expect(design).toContain('retried after 1,\n2, 4… seconds up to an hour');
  expect(retry).toEqual({ leastMs: 1_000, mostMs: 3_600_000 });
  expect(retry.leastMs).toBeGreaterThan(backoff.leastMs);
});

it('kills a command that hangs by the time that its lag is critical, and no sooner than a stop would', () => {
  expect(commandMs).toBeLessThanOrEqual(usualThresholds.criticalMs);
  expect(commandMs).toBeGreaterThan(stop.batchMs);
  expect(config).toContain(`After ${commandMs / 1_000} s it is killed`);
});
