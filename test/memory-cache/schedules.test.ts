import { describe, expect, it } from 'vitest';
import { random } from '../random.ts';
import { mutant, realCode } from './code.ts';
import { mutations } from './mutations.ts';
import { everySchedule, type Scenario, someSchedules } from './schedule.ts';
import { scheduleWorld } from './schedule-world.ts';

const scenarios: Readonly<Record<string, Scenario>> = {
  'one commit, three callers': { commits: 1, callers: 3 },
  'one commit, three callers, declared late': { commits: 1, callers: 3, late: true },
  'one commit, one caller, a lost link, declared late': { commits: 1, callers: 1, losses: 1, late: true },
  'two commits, two callers': { commits: 2, callers: 2 },
  'two commits, two callers, declared late': { commits: 2, callers: 2, late: true },
  'one commit, one caller behind current(), a lost link': {
    commits: 1,
    callers: 1,
    losses: 1,
    behindCurrent: true,
  },
  'one commit, three callers behind current()': { commits: 1, callers: 3, behindCurrent: true },
  'one commit, two callers, a lost link': { commits: 1, callers: 2, losses: 1 },
};

/** With UNCACHED_SCHEDULES, a number: these as well, and so many at random. */
const longer: Readonly<Record<string, Scenario>> = {
  'two commits, two callers behind current()': { commits: 2, callers: 2, behindCurrent: true },
  'one commit, two callers, a lost link, declared late': { commits: 1, callers: 2, losses: 1, late: true },
  'one commit, two callers behind current(), a lost link': {
    commits: 1,
    callers: 2,
    losses: 1,
    behindCurrent: true,
  },
};
const long = process.env.UNCACHED_SCHEDULES;

describe('every schedule', () => {
  it.each(Object.entries(long ? { ...scenarios, ...longer } : scenarios))(
    '%s',
    { timeout: 600_000 },
    async (name, scenario) => {
      const { schedules, outcomes, ...broken } = await everySchedule(scheduleWorld, realCode, scenario);
      expect(broken).toEqual({});
      const least =
        scenario.callers === 1 ? ['stored', 'overtaken'] : ['hit', 'joined', 'overtaken', 'stored'];
      expect(outcomes).toEqual(expect.arrayContaining(least));
      console.info(`${name}: ${schedules} schedules`);
    },
  );
});

it('schedules at random, with more of everything', { timeout: 600_000 }, async () => {
  const { below, chance, pick } = random();
  const settings = (): Scenario => ({
    commits: 1 + below(4),
    callers: 1 + below(5),
    losses: below(3),
    late: chance(0.5),
    behindCurrent: chance(0.3),
  });
  const schedules = Number(long ?? 2_000);
  const verdict = await someSchedules(scheduleWorld, realCode, settings, { schedules, pick });
  expect(verdict).toMatchObject({
    schedules,
    outcomes: ['given up', 'hit', 'joined', 'overtaken', 'stored'],
  });
  expect(verdict.broken).toBeUndefined();
});

describe('some schedule convicts the code in which', () => {
  it.each(Object.entries(mutations))('%s', async (_name, mutation) => {
    const code = await mutant(mutation);
    for (const scenario of Object.values(scenarios)) {
      const { broken, trace } = await everySchedule(scheduleWorld, code, scenario);
      if (trace === undefined) continue;
      expect(broken).toMatch(/is in memory|is given/);
      console.info(`${trace.join(', ')}: ${broken}`);
      return;
    }
    expect.fail('no schedule breaks a promise');
  });
});
