import { expect, it } from 'vitest';
import { hint } from '../../src/daemon/hint.ts';
import { handlerOf } from '../clearing/handler-of.ts';

const handler = handlerOf('page', { clear: ['{category}/{port}', '{category}'] });

function hinted(payload: string, takeHints = true): unknown[] {
  const keys: unknown[] = [];
  hint(handler, payload, { takeHints, hint: async (name, key) => keys.push([name, key]) });
  return keys;
}

it('takes the columns that the handler names, as text or null', () => {
  expect(hinted('{"category": "www", "port": null, "other": 1}')).toEqual([
    ['page', { category: 'www', port: null }],
  ]);
});

it('takes what there is of a handler whose other columns come from a function', () => {
  const keys: unknown[] = [];
  const expand = { name: 'dependents', columns: ['id'] };
  const lines = handlerOf('page', { expand, clear: ['{id}', '{section}/{slug}'] });
  hint(lines, '{"id": "7"}', { takeHints: true, hint: async (name, key) => keys.push([name, key]) });
  expect(keys).toEqual([['page', { id: '7' }]]);
});

it.each([
  ['nothing', ''],
  ['text', 'www/nginx'],
  ['JSON of another kind', '["www", "nginx"]'],
  ['half of an object', '{"category": "www", "port": "ngi'],
  ['a column too few', '{"category": "www"}'],
  ['a number', '{"category": "www", "port": 5}'],
  ['an object', '{"category": "www", "port": {}}'],
  ['what every object has', '{"category": "www", "__proto__": {"port": "nginx"}}'],
])('takes no hint from %s', (_what, payload) => {
  expect(hinted(payload)).toEqual([]);
});

it('reads nothing while no hint is taken', () => {
  expect(hinted('{"category": "www", "port": "nginx"}', false)).toEqual([]);
});
