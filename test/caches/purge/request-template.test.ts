import { describe, expect, it } from 'vitest';
import { parseEverything, parseRequest } from '../../../src/caches/purge/request-template.ts';

const site = 'https://www.example.org';

describe('parseRequest', () => {
  it('asks for a url with the host of its site', () => {
    expect(parseRequest('PURGE {url}', []).fill({ work: '/a%20b/?c', site })).toEqual({
      method: 'PURGE',
      path: '/a%20b/?c',
      headers: { host: 'www.example.org' },
    });
  });

  it('encodes a page and a tag in a path, and no header', () => {
    const bunny = parseRequest('POST /purge?url={page}', ['AccessKey: s3']);
    expect(bunny.fill({ work: '/a/?b', site })).toMatchObject({
      path: `/purge?url=${encodeURIComponent('https://www.example.org/a/?b')}`,
      headers: { accesskey: 's3' },
    });
    const xkey = parseRequest('PURGE /', ['xkey-purge: {tag}']);
    expect(xkey.takes).toBe('tag');
    expect(xkey.fill({ work: 'port-a/b' })).toEqual({
      method: 'PURGE',
      path: '/',
      headers: { 'xkey-purge': 'port-a/b' },
    });
    expect(parseRequest('POST /service/x/purge/{tag}', []).fill({ work: 'a/b' }).path).toBe(
      '/service/x/purge/a%2Fb',
    );
  });

  it('escapes a url in a regular expression', () => {
    const ban = parseRequest('BAN /', ['X-Ban: req.url ~ ^{url:regex}$']);
    expect(ban.fill({ work: '/libsigc++/a.b?c', site }).headers['x-ban']).toBe(
      'req.url ~ ^/libsigc\\+\\+/a\\.b\\?c$',
    );
  });

  it('has a Host of its own where that is configured', () => {
    const { headers } = parseRequest('PURGE {url}', ['Host: inner']).fill({ work: '/', site });
    expect(headers).toEqual({ host: 'inner' });
  });

  it.each([
    ['purge {url}', [], 'must be a method and a path'],
    ['PURGE', [], 'must be a method and a path'],
    ['PURGE http://x/{url}', [], 'the path must begin with "/"'],
    ['PURGE /', [], 'names neither {url} nor {tag}'],
    ['PURGE {url}', ['x: {tag}'], 'urls and tags need a section each'],
    ['PURGE /{urls}', [], '{urls} is no placeholder: there are {url}, {url:regex}, {page}, {tag}'],
    ['PURGE {url}', ['no colon'], 'header[]: must be "Name: value"'],
    ['PURGE {url}', ['x: a\r\ny: b'], 'header[]: must be'],
  ])('refuses %s with %j', (request, headers, why) => {
    expect(() => parseRequest(request, headers)).toThrow(why);
  });
});

it('everything is one request, without the headers that name what to purge', () => {
  expect(parseEverything('BAN /', ['Key: s3', 'xkey-purge: {tag}'], site)).toEqual({
    method: 'BAN',
    path: '/',
    headers: { host: 'www.example.org', key: 's3' },
  });
  expect(() => parseEverything('BAN {url}', [])).toThrow('must be a method and a path');
});
