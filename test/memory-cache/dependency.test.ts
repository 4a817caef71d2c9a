import { expect, it } from 'vitest';
import { dependencyOn, isConcerned, keyOf } from '../../src/memory-cache/dependency.ts';

const concerns = (columns: Parameters<typeof dependencyOn>[1], payload: string) =>
  isConcerned(dependencyOn('c', columns), keyOf(payload));

it.each([
  ['the key itself', { category: 'www', port: 'nginx' }, '{"port": "nginx", "category": "www"}', true],
  [
    'fewer columns, which are all keys with them',
    { category: 'www' },
    '{"category":"www","port":"nginx"}',
    true,
  ],
  ['no columns, which are all keys', {}, '{"category":"www"}', true],
  ['another value', { category: 'net' }, '{"category":"www","port":"nginx"}', false],
  [
    'a column that the notification does not name',
    { category: 'www', port: 'a' },
    '{"category":"www"}',
    true,
  ],
  ['such a column, and another value', { category: 'net', port: 'a' }, '{"category":"www"}', false],
  ['a misspelt column', { categroy: 'net' }, '{"category":"www"}', true],
  ['a number, as text', { id: 42 }, '{"id":"42"}', true],
  ['a number in the notification', { id: '42' }, '{"id":42}', true],
  ['a bigint', { id: 9007199254740993n }, '{"id":"9007199254740993"}', true],
  ['null', { port: null }, '{"port":null}', true],
  ['the text "null", which is not null', { port: 'null' }, '{"port":null}', false],
  ['an empty text, which is not null', { port: '' }, '{"port":null}', false],
  ['no payload', { port: 'a' }, '', true],
  ['somebody’s text', { port: 'a' }, 'vacuum is done', true],
  ['half an object', { port: 'a' }, '{"port": "b"', true],
  ['a list', { port: 'a' }, '["b"]', true],
  ['a value that is no text', { port: 'a' }, '{"port":{"name":"b"}}', true],
  ['a column that every object has', { toString: 'a' }, '{"port":"b"}', true],
  ['a column called __proto__', { port: 'a' }, '{"__proto__":"b","port":"c"}', false],
])('what depends on %s', (_name, columns, payload, expected) => {
  expect(concerns(columns as Parameters<typeof dependencyOn>[1], payload)).toBe(expected);
});

it.each([undefined, true, new Date(0), {}, Number.NaN, Symbol('a')])(
  'refuses %s as a value, which no notification can name',
  (value) => {
    expect(() => dependencyOn('c', { port: value as never })).toThrow(TypeError);
  },
);
