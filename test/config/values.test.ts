import { describe, expect, it } from 'vitest';
import { call } from '../../src/config/values.ts';
import { formatCall } from '../../src/core/configuration.ts';

describe('a call', () => {
  it.each([
    ['f(a)', { name: 'f', columns: ['a'] }],
    ['public.dependents ( category,port )', { name: 'public.dependents', columns: ['category', 'port'] }],
  ])('%s', (text, parsed) => {
    expect(call(text)).toEqual(parsed);
    expect(call(formatCall(parsed))).toEqual(parsed);
  });

  it.each(['f', 'f()', 'f(a,)', 'f(a', 'a.b.c(d)', 'f(a); DROP TABLE x', 'f(g(a))', '(a)', ''])(
    'not %s',
    (text) => {
      expect(() => call(text)).toThrow('must be a function and the columns that it is given');
    },
  );
});
