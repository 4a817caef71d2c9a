import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from 'pg';
import { atCalm, type Stage } from './calm.ts';
import { type Change, changes } from './changes.ts';
import { isLocked } from './record.ts';
import { say } from './say.ts';
import { tell } from './tell.ts';

const changeMs = 1_000;
const lookMs = 50;

/**
 * Makes one change a second until it is interrupted, or with `once` each kind of change once. Reports the
 * effect of these changes and of those that visitors make. False if wrong files were deleted, or right ones
 * stayed.
 */
export async function show(stage: Stage, { once }: { once: boolean }): Promise<boolean> {
  const { client, daemon, signal } = stage;
  await client.query("SET lock_timeout = '500ms'");
  let right = true;
  let due = 0;
  for (let n = 0; !signal.aborted && (!once || n < changes.length); ) {
    let change: Change | undefined;
    if (performance.now() >= due) {
      due = once ? 0 : performance.now() + changeMs;
      change = await make(changes[n % changes.length]?.(n), client);
      if (change) n += 1;
    }
    const found = await atCalm(stage);
    if (found) right = (await tell(found, change, daemon)) && right;
    await wait(lookMs, undefined, { signal }).catch(() => {});
  }
  say(right ? 'Exactly the right files went, every time.' : 'Some files went that should not, or stayed.');
  return right;
}

/** Undefined while a visitor has locked the row. */
async function make(change: Change | undefined, client: Client): Promise<Change | undefined> {
  try {
    if (change) await client.query(change.sql);
    return change;
  } catch (error) {
    if (!isLocked(error)) throw error;
    say('Your transaction holds a row that the demo wants to change: it tries again in a second.');
    return undefined;
  }
}
