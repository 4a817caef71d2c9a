import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from 'pg';
import type { Random } from '../random.ts';
import { type Datum, families, nameOf, poison } from './families.ts';
import { type Style, styles } from './styles.ts';

/** What one transaction did, for the trace. */
export interface Told {
  readonly steps: Readonly<Record<string, unknown>>[];
  end: 'commit' | 'rollback' | 'prepared, commit' | 'prepared, rollback' | 'unknown';
}

interface Means {
  readonly random: Random;
  readonly hot: readonly Datum[];
  readonly settleMs: number;
  readonly gid: string;
  readonly told: Told;
}

/**
 * One transaction as a program might make it: a few changes, each with its entry before or after it, quickly
 * or slowly.
 */
export async function transact(client: Client, { random, hot, settleMs, gid, told }: Means): Promise<void> {
  const isolation = random.chance(0.15) ? 'REPEATABLE READ' : 'READ COMMITTED';
  const prepares = random.chance(0.02);
  const pace = random.pick(paces);
  const pause = () => (random.chance(pace.often) ? wait(random.between(0, pace.longestMs)) : undefined);
  const skipping = hot.filter(({ family }) => family === 'plain' || family === 'unique');
  const about = prepares ? skipping : hot;

  await client.query(`BEGIN ISOLATION LEVEL ${isolation}`);
  if (random.chance(0.02)) await enqueuePoison(client, random);
  for (let left = skipping.length > 0 ? 1 + random.below(3) : 0; left > 0; left--) {
    const datum = random.pick(random.chance(0.5) ? about : skipping);
    const style = random.pick(styles[datum.family].filter(({ silent }) => silent || !prepares));
    const taken = random.chance(0.15) ? 'taken back' : 'kept';
    if (taken === 'taken back') await client.query('SAVEPOINT doubt');
    const whole = datum.family === 'statement' && random.chance(0.1);
    await changeAndEnqueue(client, { datum, style, whole, random, pause, told });
    if (taken === 'taken back') {
      await client.query('ROLLBACK TO doubt');
      told.steps.push({ at: Date.now(), taken, name: nameOf(datum) });
    }
    await pause();
  }
  // The hazard that settling protects against: the entry that it relied on is claimed and settled before its
  // change is committed.
  if (told.steps.some(({ entry }) => entry === 'skipped') && random.chance(0.3))
    await wait(random.between(0, 2.5 * settleMs));
  await end(client, { random, prepares, gid, told });
}

/**
 * Most are quick. Some pause a little. A few leave their transaction idle for seconds, longer than the settle
 * time.
 */
const paces = [
  ...Array.from({ length: 30 }, () => ({ often: 0, longestMs: 0 })),
  ...Array.from({ length: 6 }, () => ({ often: 0.5, longestMs: 50 })),
  ...Array.from({ length: 2 }, () => ({ often: 0.5, longestMs: 400 })),
  { often: 0.6, longestMs: 1_800 },
];

interface Change {
  readonly datum: Datum;
  readonly style: Style;
  /** All rows of the category: a mass enqueue in one statement. */
  readonly whole: boolean;
  readonly random: Random;
  readonly pause: () => Promise<void> | undefined;
  readonly told: Told;
}

async function changeAndEnqueue(
  client: Client,
  { datum, style, whole, random, pause, told }: Change,
): Promise<void> {
  const { family, category, port } = datum;
  const name = nameOf(datum);
  const change = async () => {
    const { rows } = await client.query<{ version: string }>(
      `UPDATE datum_${family} SET version = version + 1 WHERE category = $1 ${whole ? '' : 'AND port = $2'} RETURNING version`,
      whole ? [category] : [category, port],
    );
    told.steps.push({ at: Date.now(), name, changed: rows.map(({ version }) => version).join(' ') });
  };
  const enqueue = async () => {
    const entry = await style.enqueue(client, datum);
    told.steps.push({ at: Date.now(), name, style: style.name, entry });
  };
  const [first, second] = random.chance(0.5) ? [change, enqueue] : [enqueue, change];
  await first();
  await pause();
  await second();
}

async function end(
  client: Client,
  { random, prepares, gid, told }: { random: Random; prepares: boolean; gid: string; told: Told },
): Promise<void> {
  const word = random.chance(0.12) ? 'rollback' : 'commit';
  if (!prepares) {
    await client.query(word);
    told.end = word;
    return;
  }
  // If we die before the end it stays prepared, and the quiet point decides.
  await client.query(`PREPARE TRANSACTION '${gid}'`);
  await wait(random.between(0, 1_000));
  await client.query(`${word} PREPARED '${gid}'`);
  told.end = `prepared, ${word}`;
}

async function enqueuePoison(client: Client, random: Random): Promise<void> {
  const bad = random.chance(0.2) ? null : random.pick(poison);
  const [category, port] = random.pick([
    [bad, 'poison'],
    ['poison', bad],
  ]);
  const insert = `INSERT INTO queue_${random.pick(families)} (category, port) VALUES ($1, $2) ON CONFLICT DO NOTHING`;
  await client.query(insert, [category, port]);
}
