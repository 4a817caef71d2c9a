import { expect, it } from 'vitest';
import { openTurns } from '../../src/core/turns.ts';

const locked = new Error('locked');

it('begins in order, and no more than so many at once', async () => {
  const turns = openTurns({ atOnce: 2 });
  const begun: number[] = [];
  const finish: (() => void)[] = [];
  const each = [0, 1, 2, 3].map((nth) =>
    turns(() => {
      begun.push(nth);
      return new Promise<number>((resolve) => finish.push(() => resolve(nth)));
    }),
  );
  expect(begun).toEqual([0, 1]);
  finish[1]?.();
  expect(await each[1]).toBe(1);
  await new Promise(setImmediate);
  expect(begun).toEqual([0, 1, 2]);
  for (let nth = 0; nth < 4; nth++) {
    finish[nth]?.();
    await each[nth];
    await new Promise(setImmediate);
  }
  expect(await Promise.all(each)).toEqual([0, 1, 2, 3]);
});

it('tries again after the others what is to be tried again, and goes on after an error', async () => {
  let left = 2;
  const turns = openTurns({ atOnce: 1, again: (error) => error === locked && left-- > 0 });
  const begun: string[] = [];
  const failing = (name: string) =>
    turns(async () => {
      begun.push(name);
      throw name === 'other' ? new Error('other') : locked;
    });
  const [first, other, last] = await Promise.allSettled([
    failing('locked'),
    failing('other'),
    turns(async () => {
      begun.push('last');
      return 'done';
    }),
  ]);
  expect(begun).toEqual(['locked', 'other', 'last', 'locked', 'locked']);
  expect(first).toMatchObject({ status: 'rejected', reason: locked });
  expect(other).toMatchObject({ status: 'rejected', reason: { message: 'other' } });
  expect(last).toEqual({ status: 'fulfilled', value: 'done' });
});

it('asks a database that is gone nothing more', async () => {
  const turns = openTurns({ atOnce: 1 });
  const gone = Object.assign(new Error('gone'), { code: 'ECONNREFUSED' });
  let asked = 0;
  const each = [0, 1, 2].map(() =>
    turns(async () => {
      asked += 1;
      throw gone;
    }),
  );
  for (const { status, reason } of (await Promise.allSettled(each)) as PromiseRejectedResult[])
    expect({ status, reason }).toEqual({ status: 'rejected', reason: gone });
  expect(asked).toBe(1);
});
