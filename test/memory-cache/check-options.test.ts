import { expect, it } from 'vitest';
import { checkOptions } from '../../src/memory-cache/check-options.ts';

const right = { connection: {}, channels: ['c'], onError: () => {} };

it('accepts what is right', () => {
  checkOptions(right);
  checkOptions({ ...right, max: 1, maxStaleMs: 100, staleForMs: 0 });
  checkOptions({ ...right, max: undefined });
});

it('names all problems at once, and what was meant', () => {
  expect(() =>
    checkOptions({ channels: [], onErorr: () => {}, max: 0, maxStaleMs: 5, staleForMs: '1s' }),
  ).toThrow(
    'Cannot make a memory cache: connection must be an object such as { host, port, user, database }, as node-postgres takes it; ' +
      'channels must be a list of at least one channel; onError must be a function that is given an Error; ' +
      'max must be an integer over 0; maxStaleMs must be a number of milliseconds from 100 to 2147483647; ' +
      'staleForMs must be a number of milliseconds from 0 to 2147483647; ' +
      'there is no option onErorr, did you mean "onError"?',
  );
});

it.each(['', 'x'.repeat(64), 'a\0b', 7])(
  'refuses %j as a channel, on which nothing can be heard',
  (channel) => {
    expect(() => checkOptions({ ...right, channels: ['c', channel] })).toThrow('channels must name channels');
  },
);
