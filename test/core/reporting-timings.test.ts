import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { usualThresholds } from '../../src/core/daemon-status.ts';
import { parseDuration } from '../../src/core/duration.ts';
import { silentMs, usualTimings } from '../../src/core/timings.ts';
import { projectRoot } from '../postgres/project-root.ts';

const { database, worker, stop, backoff, retry, commandMs, missedHeartbeats } = usualTimings;
const { counts, report, http, log, systemd } = usualTimings.reporting;
const { warningMs, criticalMs } = usualThresholds;
const textOf = (file: string) => readFileSync(join(projectRoot, file), 'utf8');

/** In config/options.ts. */
const leastHeartbeatMs = 1_000;
const usualHeartbeatMs = 10_000;

const unit = textOf('service/uncached.service');
const ofUnit = (option: string) =>
  parseDuration(new RegExp(`^${option}=(.*)$`, 'm').exec(unit)?.[1]?.replace('min', 'm') ?? '');

it('counts often enough that no count is critically old while the database answers', () => {
  expect(counts.freshMs).toBeLessThan(counts.longestRestMs);
  expect(counts.sampleMs + counts.longestRestMs + database.queryMs).toBeLessThan(criticalMs);
});

it('answers an open page as often as it promises, whatever the database does', () => {
  expect(counts.patienceMs).toBeLessThanOrEqual(http.streamMs);
});

it('sends to an open page more often than a silent connection is ended', () => {
  expect(http.streamMs + counts.patienceMs).toBeLessThan(http.unreadMs);
});

it('gives the page samples that are as long as it draws them', () => {
  expect(textOf('page/plot.js')).toContain(`const sampleMs = ${counts.sampleMs / 1_000}_000;`);
});

it('examines connections more often than they may do nothing', () => {
  expect(http.checkMs).toBeLessThan(Math.min(http.headersMs, http.keepAliveMs));
  expect(http.headersMs).toBeLessThan(http.requestMs);
});

it('reports again before the daemon counts as hanging, and a problem before its lag is a warning', () => {
  expect(report.soonMs).toBeLessThan(report.laterMs);
  expect(report.laterMs).toBeLessThan(missedHeartbeats * leastHeartbeatMs);
  expect(report.soonMs + report.laterMs).toBeLessThan(warningMs);
});

it('knows that a cache is cleared by nobody by the time that this is critical', () => {
  expect(silentMs).toBeLessThanOrEqual(criticalMs);
});

it('remembers a failing row until after its next retry', () => {
  expect(log.forgetMs).toBeGreaterThan(retry.mostMs + commandMs);
});

it('logs new failures together for longer than a back-off lasts, and until they are critical at most', () => {
  expect(log.againMs).toBeGreaterThan(backoff.mostMs);
  expect(log.againMs).toBeLessThanOrEqual(criticalMs);
});

it('feeds the watchdog until a silent worker has been given up', () => {
  // Also one that lists a large directory.
  expect(systemd.givenUpMs).toBeGreaterThan(worker.patienceMs * worker.listingFactor);
  expect(systemd.givenUpMs).toBeGreaterThanOrEqual(worker.startMs);
  expect(ofUnit('WatchdogSec')).toBeGreaterThan(worker.patienceMs * worker.listingFactor);
});

it('makes progress three times within the time of the watchdog, listening or trying to', () => {
  const chanceMs = ofUnit('WatchdogSec') / 3;
  expect(usualHeartbeatMs + database.sendMs + systemd.notifyMs).toBeLessThan(chanceMs);
  expect(backoff.mostMs + database.connectMs + systemd.notifyMs).toBeLessThan(chanceMs);
});

it('ends in time for systemd and as doc/design.md says, even if nobody reads its last words', () => {
  const stopMs = stop.batchMs + 2 * stop.closeMs;
  expect(textOf('doc/design.md').replaceAll('\n', ' ')).toContain(`takes ${stopMs / 1_000} s at most`);
  expect(unit).toContain(`more than the ${stopMs / 1_000} s that uncached takes at most`);
  // Standard output, standard error, and the log.
  expect(stopMs + 3 * log.lastMs).toBeLessThan(ofUnit('TimeoutStopSec'));
});
