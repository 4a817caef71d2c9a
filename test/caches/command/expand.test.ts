import { expect, it } from 'vitest';
import { commandCache } from '../../../src/caches/command/command-cache.ts';
import { clearBatch } from '../../../src/clearing/batch.ts';
import { withDependents } from '../../../src/clearing/expand.ts';
import type { Key } from '../../../src/core/contracts.ts';
import { handlerOf } from '../../clearing/handler-of.ts';

/** What the program of a handler with `expand` reads. */
async function read(answer: (readonly Key[])[] | undefined): Promise<(string | undefined)[]> {
  const inputs: (string | undefined)[] = [];
  const { steps } = handlerOf('h', {
    clear: ['{base}/{page}'],
    expand: { name: 'f', columns: ['base'] },
    run: 'tell',
  });
  const step = steps.find(({ kind }) => kind === 'command') ?? expect.fail('no step');
  const cache = commandCache(async (_command, { input } = {}) => void inputs.push(input));
  const asking = withDependents(
    step,
    async () => answer,
    () => {},
  );
  await clearBatch(asking, [{ id: 1, handler: 'h', key: { base: 'a' } }], cache);
  return inputs;
}

it('reads dependents like keys', async () => {
  expect(await read([[{ page: 'x' }, { base: 'b', page: 'y' }]])).toEqual([
    '{"base":"a"}\n{"base":"a","page":"x"}\n{"base":"b","page":"y"}\n',
  ]);
});

it('reads nothing, as everything may have changed, where there are too many', async () => {
  expect(await read(undefined)).toEqual(['']);
});
