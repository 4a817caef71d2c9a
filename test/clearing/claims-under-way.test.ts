import { expect, it } from 'vitest';
import { ClaimsUnderWay } from '../../src/clearing/claims-under-way.ts';

function held() {
  let [answer, fail]: [() => void, (error: Error) => void] = [() => {}, () => {}];
  const promise = new Promise<string>((resolve, reject) => {
    answer = () => resolve('rows');
    fail = reject;
  });
  return { promise, answer, fail };
}

const soon = () => new Promise((resolve) => setImmediate(resolve));
const never = new Promise<void>(() => {});

it('waits for those that are under way, whether they succeed or fail, and not for later ones', async () => {
  const claims = new ClaimsUnderWay();
  const [first, second, third] = [held(), held(), held()];
  const answers = Promise.allSettled([claims.track(first.promise), claims.track(second.promise)]);
  let ended = false;
  const end = claims.ended(never).then(() => {
    ended = true;
  });
  void claims.track(third.promise);
  first.answer();
  await soon();
  expect([ended, claims.all.size]).toEqual([false, 2]);
  second.fail(new Error('cut'));
  await end;
  expect(await answers).toMatchObject([{ value: 'rows' }, { reason: { message: 'cut' } }]);
  third.answer();
  await soon();
  expect(claims.all.size).toBe(0);
});

it('waits no longer than it may: a claim may wait for a lock', async () => {
  const claims = new ClaimsUnderWay();
  void claims.track(held().promise);
  await claims.ended(Promise.resolve());
  expect(claims.all.size).toBe(1);
});

it('does not wait again for those that it has waited for in vain', async () => {
  const claims = new ClaimsUnderWay();
  const [locked, later] = [held(), held()];
  void claims.track(locked.promise);
  const { all } = claims;
  const answered = claims.track(later.promise);
  let ended = false;
  const end = claims.ended(never, all).then(() => {
    ended = true;
  });
  await soon();
  expect(ended).toBe(false);
  later.answer();
  await Promise.all([end, answered]);
  expect(claims.all).toEqual(all);
});
