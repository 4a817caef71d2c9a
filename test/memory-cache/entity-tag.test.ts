import { beforeEach, expect, it } from 'vitest';
import { answer, etagOf, notModified } from '../../src/memory-cache/entity-tag.ts';
import { type ValueCache, valueCache } from '../../src/memory-cache/value-cache.ts';

let etags: ValueCache<string>;
let rendered: number;
let text: string;

beforeEach(() => {
  rendered = 0;
  text = 'one';
  etags = valueCache({
    channels: ['c'],
    max: 10,
    maxStaleMs: 1_000,
    staleForMs: 0,
    now: () => 0,
    onError: () => {},
  });
  etags.proven(0);
});

const ask = (headers: Record<string, string> = {}) =>
  answer({ ...etags, current: async () => {}, close: async () => {} }, headers, 'page', () => {
    rendered += 1;
    return text;
  });

it('gives the same bytes the same tag, and others another', () => {
  expect(etagOf('ä')).toBe(etagOf(Buffer.from('ä')));
  expect(etagOf('ä')).toMatch(/^"[\w-]{27}"$/);
  expect(etagOf('ä')).not.toBe(etagOf('a'));
});

const tag = etagOf('x');
it.each([
  ['the tag', { 'if-none-match': tag }, true],
  ['the tag as a weak one', { 'if-none-match': `W/${tag}` }, true],
  ['a list', { 'if-none-match': `"other", W/"weak",  W/${tag}` }, true],
  ['any tag', { 'if-none-match': '*' }, true],
  ['another tag', { 'if-none-match': '"other"' }, false],
  ['a list without it', { 'if-none-match': '"other", W/"weak"' }, false],
  ['no tag', {}, false],
  ['a date, which no page of ours has', { 'if-modified-since': new Date().toUTCString() }, false],
  ['the tag, and a wish to load it again', { 'if-none-match': tag, 'cache-control': 'no-cache' }, false],
])('a reader that has %s', (_name, headers, expected) => {
  expect(notModified(headers, tag)).toBe(expected);
});

it('renders for a reader without the tag, and not for one that has it, until it changes', async () => {
  const first = await ask();
  expect(first).toEqual({ status: 200, etag: etagOf('one'), body: 'one' });
  const has = { 'if-none-match': `W/${first.etag}` };
  expect(await ask(has)).toEqual({ status: 304, etag: first.etag });
  expect(rendered).toBe(1);
  text = 'two';
  etags.changed('c', undefined);
  expect(await ask(has)).toEqual({ status: 200, etag: etagOf('two'), body: 'two' });
  expect(await ask({ 'if-none-match': etagOf('two') })).toMatchObject({ status: 304 });
  expect(rendered).toBe(2);
});

it('answers 304 as well where a change has left the page as it was, or the tag was forgotten', async () => {
  const { etag } = await ask();
  etags.wipe();
  expect(await ask({ 'if-none-match': etag })).toEqual({ status: 304, etag });
  expect(rendered).toBe(2);
});

it('renders each time while it is unknown whether changes are heard of, and says 304 where that is true', async () => {
  const { etag } = await ask();
  etags.close();
  expect(await ask({ 'if-none-match': etag })).toEqual({ status: 304, etag });
  text = 'two';
  expect(await ask({ 'if-none-match': etag })).toMatchObject({ status: 200, body: 'two' });
});
