import { expect, it } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
import { random } from '../random.ts';
import { live } from './live.ts';

const database = testDatabase();

it('gives nothing older than asked for while the listening session is ended several times a second', async () => {
  const figures = await live({ connection: database.config, ms: 5_000, random: random() });
  console.info(JSON.stringify(figures));
  expect(figures).toMatchObject({ olderAnswers: 0, oldEntries: 0 });
  expect(figures.wipes).toBeGreaterThan(figures.cuts / 2);
  for (const outcome of ['hit', 'stored', 'joined', 'overtaken'] as const)
    expect(figures.outcomes[outcome], outcome).toBeGreaterThan(0);
});
