import { describe, expect, it } from 'vitest';
import { parseEverything, parseRequest } from '../../../src/caches/purge/request-template.ts';

const site = 'https://www.example.org';

describe('parseRequest', () => {
  it('asks for a url with the host of its site', () => {
    expect(parseRequest('PURGE {url}', []).fill({ works: ['/a%20b/?c'], site })).toEqual({
      method: 'PURGE',
      path: '/a%20b/?c',
      headers: { host: 'www.example.org' },
    });
  });

  it('encodes a page and a tag in a path, and no header', () => {
    const bunny = parseRequest('POST /purge?url={page}', ['AccessKey: s3']);
    expect(bunny.fill({ works: ['/a/?b'], site })).toMatchObject({
      path: `/purge?url=${encodeURIComponent('https://www.example.org/a/?b')}`,
      headers: { accesskey: 's3' },
    });
    const xkey = parseRequest('PURGE /', ['xkey-purge: {tag}']);
    expect(xkey.takes).toBe('tag');
    expect(xkey.fill({ works: ['port-a/b'] })).toEqual({
      method: 'PURGE',
      path: '/',
      headers: { 'xkey-purge': 'port-a/b' },
    });
    expect(parseRequest('POST /service/x/purge/{tag}', []).fill({ works: ['a/b'] }).path).toBe(
      '/service/x/purge/a%2Fb',
    );
  });

  it('escapes a url in a regular expression', () => {
    const ban = parseRequest('BAN /', ['X-Ban: req.url ~ ^{url:regex}$']);
    expect(ban.fill({ works: ['/libsigc++/a.b?c'], site }).headers['x-ban']).toBe(
      'req.url ~ ^/libsigc\\+\\+/a\\.b\\?c$',
    );
  });

  it('has a Host of its own where that is configured', () => {
    const { headers } = parseRequest('PURGE {url}', ['Host: inner']).fill({ works: ['/'], site });
    expect(headers).toEqual({ host: 'inner' });
  });

  it.each([
    ['purge {url}', [], 'must be a method and a path'],
    ['PURGE', [], 'must be a method and a path'],
    ['PURGE http://x/{url}', [], 'the path must begin with "/"'],
    ['PURGE /', [], 'names neither {url} nor {tag}'],
    ['PURGE {url}', ['x: {tag}'], 'urls and tags need a section each'],
    [
      'PURGE /{urlz}',
      [],
      '{urlz} is no placeholder: there are {url}, {url:regex}, {urls}, {page}, {pages}, {tag}, {tags}',
    ],
    ['PURGE {url}?{env:KEY}', [], '{env:KEY}: secrets stand in header[] alone'],
    ['PURGE {url}', ['no colon'], 'header[]: must be "Name: value"'],
    ['PURGE {url}', ['x: a\r\ny: b'], 'header[]: must be'],
  ])('refuses %s with %j', (request, headers, why) => {
    expect(() => parseRequest(request, headers)).toThrow(why);
  });
});

describe('a request for several', () => {
  const works = ['a"b', 'c'];

  it('names tags in a header, with a blank between', () => {
    const xkey = parseRequest('PURGE /', ['xkey-purge: {tags}']);
    expect(xkey.fill({ works }).headers).toEqual({ 'xkey-purge': 'a"b c' });
    expect([xkey.single, xkey.usualBatch]).toEqual([undefined, 100]);
  });

  it('has lists in JSON, and says how long it is', () => {
    const { fill, usualBatch } = parseRequest('DELETE /x', ['Key: s3'], '{"keys": {tags}, "soft": {}}');
    const body = '{"keys": ["a\\"b","é"], "soft": {}}';
    expect(fill({ works: ['a"b', 'é'] })).toEqual({
      method: 'DELETE',
      path: '/x',
      headers: { 'content-type': 'application/json', key: 's3', 'content-length': '35' },
      body,
    });
    expect(Buffer.byteLength(body)).toBe(35);
    expect(usualBatch).toBe(100);
    const files = parseRequest('POST /x', ['Content-Type: text/json'], '[{pages}, {urls}]');
    expect(files.fill({ works: ['/a', '/b'], site })).toMatchObject({
      headers: { 'content-type': 'text/json' },
      body: `[["${site}/a","${site}/b"], ["/a","/b"]]`,
    });
  });

  it('has a string in JSON where it names one', () => {
    const one = parseRequest('POST /x', [], '{"tag": {tag}}');
    expect(one.fill({ works: ['a"b'] }).body).toBe('{"tag": "a\\"b"}');
    expect([one.single, one.usualBatch]).toEqual(['tag', 1]);
    expect(parseRequest('POST /x', [], '{"u": {page}}').fill({ works: ['/a'], site }).body).toBe(
      `{"u": "${site}/a"}`,
    );
  });

  it('names urls as alternatives of a regular expression', () => {
    const ban = parseRequest('BAN /', ['X-Ban: ^{url:regex}$']);
    expect(ban.fill({ works: ['/a.b', '/c'], site }).headers['x-ban']).toBe('^(/a\\.b|/c)$');
    expect([ban.single, ban.usualBatch]).toEqual([undefined, 1]);
  });

  it('knows what a work takes in a header or in the body', () => {
    expect(parseRequest('PURGE /', ['x: {tags}']).cost({ works: ['ab'] })).toBe('ab '.length);
    expect(parseRequest('BAN /', ['x: {url:regex}']).cost({ works: ['/.'], site })).toBe('/\\.|'.length);
    const files = parseRequest('POST /x', ['x: {urls}'], '{pages}');
    expect(files.cost({ works: ['/a'], site })).toBeGreaterThanOrEqual(`"${site}/a",`.length);
  });

  it.each([
    ['{"a": "{tag}"}', 'is no JSON once it is filled in'],
    ['{"a": {tags}', 'is no JSON once it is filled in'],
    ['{"{tag}": 1}', 'is no JSON once it is filled in'],
    ['{"a": {tagz}}', '{tagz} is no placeholder'],
    ['{"a": {env:KEY}, "b": {tag}}', '{env:KEY}: secrets stand in header[] alone'],
    ['{}', 'names neither {url} nor {tag}'],
    ['[{tag}, {url}]', 'urls and tags need a section each'],
  ])('refuses the body %s', (body, why) => {
    expect(() => parseRequest('POST /x', [], body)).toThrow(why);
  });
});

it('everything may have a body', () => {
  expect(parseEverything('POST /purge {"all": true}', ['Key: s3'])).toEqual({
    method: 'POST',
    path: '/purge',
    headers: { 'content-type': 'application/json', key: 's3', 'content-length': '13' },
    body: '{"all": true}',
  });
  expect(() => parseEverything('POST /purge all', [])).toThrow('what stands behind the path must be JSON');
});

it('everything is one request, without the headers that name what to purge', () => {
  expect(parseEverything('BAN /', ['Key: s3', 'xkey-purge: {tag}'], site)).toEqual({
    method: 'BAN',
    path: '/',
    headers: { host: 'www.example.org', key: 's3' },
  });
  expect(() => parseEverything('BAN {url}', [])).toThrow('must be a method and a path');
});
