import { expect, it } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
import { random } from '../random.ts';
import { formatFigures, runStress } from './stress.ts';

const database = testDatabase({ template: 'template0' });

/** What chance decides for the other readers is decided by steps.test.ts, each time. */
it('announces nothing stale and misses nothing, while both daemons are killed', async () => {
  const seed = String(random().below(2 ** 32));
  const figures = await runStress(database.config, { seed, seconds: 20, kills: 4 });
  const text = formatFigures(figures);
  console.info(text);
  expect(figures.staleAtRest, text).toBe(0);
  for (const { reader, inTime, stale, missed } of figures.readers) {
    if (reader.isRight) expect({ stale, missed }, text).toEqual({ stale: 0, missed: 0 });
    if (reader.isRight) expect(inTime, text).toBeGreaterThan(0);
    if (reader.isSurelyWrong) expect(stale, text).toBeGreaterThan(0);
  }
}, 300_000);
