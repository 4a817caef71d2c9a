import { describe, expect, it } from 'vitest';
import { SettlingSchedule } from '../../src/clearing/settling-schedule.ts';

const timings = { snapshotAgainMs: 250, gatherMs: 500, writeAgainMs: 1_000, awaitedAgainMs: 5 };

describe('SettlingSchedule', () => {
  it('looks again every 250 ms and writes once a second where nobody waits', () => {
    const schedule = new SettlingSchedule(timings);
    for (const at of [1_000, 1_250]) {
      schedule.looked(at, { awaited: false, isNew: true });
      expect(schedule.lookAt).toBe(at + 250);
    }
    schedule.wrote(1_300, 1_301);
    expect(schedule.writeAt).toBe(2_301);
  });

  it('looks sooner where somebody waits, and each time later, up to the same', () => {
    const schedule = new SettlingSchedule(timings);
    schedule.looked(0, { awaited: true, isNew: true });
    const pauses = [schedule.lookAt];
    for (let n = 0; n < 7; n += 1) {
      schedule.looked(0, { awaited: true, isNew: false });
      pauses.push(schedule.lookAt);
    }
    expect(pauses).toEqual([5, 10, 20, 40, 80, 160, 250, 250]);
    schedule.looked(0, { awaited: true, isNew: true });
    expect(schedule.lookAt).toBe(5);
  });

  it('writes sooner where somebody waits, and less often the longer a write takes', () => {
    const schedule = new SettlingSchedule(timings);
    expect(schedule.writeAt).toBe(Number.NEGATIVE_INFINITY);
    schedule.looked(0, { awaited: true, isNew: true });
    for (const [tookMs, pauseMs] of [
      [1, 5],
      [20, 40],
      [5_000, 1_000],
    ] as const) {
      schedule.wrote(100, 100 + tookMs);
      expect(schedule.writeAt).toBe(100 + tookMs + pauseMs);
    }
    schedule.looked(0, { awaited: false, isNew: true });
    schedule.wrote(0, 0);
    expect(schedule.writeAt).toBe(1_000);
  });
});
