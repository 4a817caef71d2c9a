import { setTimeout as wait } from 'node:timers/promises';
import { runLoad, type Turn } from './load.ts';
import { type Told, transact } from './transaction.ts';

/** A load process: programs and people that change data. */
const producers = 10;

runLoad(Array.from({ length: producers }, () => producer));

function producer(): Turn {
  let transactions = 0;
  return async (client, load) => {
    const { random, hot, settleMs, mark, name, count, note } = load;
    const begun = Date.now();
    const told: Told = { steps: [], end: 'unknown' };
    const gid = `${name} ${mark} ${++transactions}`;
    try {
      await transact(client, { random, hot: hot(begun), settleMs, gid, told });
    } finally {
      note({ begun, ...told });
    }
    count(told.end.endsWith('commit') ? 'commits' : 'rollbacks');
    if (told.end.startsWith('prepared')) count('prepared');
    if (told.end.endsWith('commit')) count('changes', changesIn(told));
    count('skipped', told.steps.filter(({ entry }) => entry === 'skipped').length);
    await wait(random.between(0, 15));
  };
}

/**
 * The number of versions that the transaction made and kept. A savepoint rollback undoes the step before it.
 */
function changesIn({ steps }: Told): number {
  let kept = 0;
  let latest = 0;
  for (const { changed, taken } of steps) {
    if (taken !== undefined) kept -= latest;
    if (typeof changed !== 'string') continue;
    latest = changed === '' ? 0 : changed.split(' ').length;
    kept += latest;
  }
  return kept;
}
