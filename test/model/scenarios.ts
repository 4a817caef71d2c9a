import type { Statement } from './statement.ts';
import type { Scenario } from './world.ts';

/** Every style of enqueueing, as a list of statements. */
export const styles: Readonly<Record<string, readonly Statement[]>> = {
  'plain INSERT': ['insert'],
  'unique in its transaction': ['insert once a transaction'],
  'ON CONFLICT DO NOTHING': ['on conflict do nothing'],
  'ON CONFLICT DO UPDATE': ['on conflict do update'],
  'WHERE NOT EXISTS': ['insert where not exists'],
  'select, then insert': ['select', 'insert unless seen'],
};

/**
 * Two transactions with change and entry in either order, and one render that may publish between them or
 * after.
 */
export function bothOrders(
  enqueue: readonly Statement[],
  writer: 'fenced' | 'unfenced' = 'fenced',
): Scenario {
  return {
    transactions: [{ statements: ['change', ...enqueue] }, { statements: [...enqueue, 'change'] }],
    writers: [writer],
  };
}

export const inserting = bothOrders(['insert']);
/** It skips its insert, so its change has no entry of its own. The grace exists for this case. */
export const skipping = bothOrders(['on conflict do nothing']);
export const seeing = bothOrders(['insert where not exists']);
export const updating = bothOrders(['on conflict do update']);

/** The same after the first transaction has ended. */
export const skippingLater: Scenario = {
  transactions: [{ statements: ['on conflict do nothing', 'change'] }],
  writers: ['fenced'],
  queued: true,
};

/** The second transaction skips its insert, so it sends no notification and may be prepared. */
export const preparing: Scenario = {
  ...skipping,
  transactions: [
    { statements: ['change', 'on conflict do nothing'] },
    { statements: ['on conflict do nothing', 'change'], prepares: true },
  ],
};

export function unfenced(scenario: Scenario): Scenario {
  return { ...scenario, writers: ['unfenced'] };
}
