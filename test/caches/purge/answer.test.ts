import { describe, expect, it } from 'vitest';
import { type Answer, judge, parseExpect } from '../../../src/caches/purge/answer.ts';

const answer = (
  status: number,
  { reason = '', body = '', ...headers }: Record<string, string> = {},
): Answer => ({
  status,
  reason,
  body,
  headers,
});

const verdictOf = (given: Answer, ...expected: string[]) =>
  judge(given, { expect: expected.map(parseExpect), method: 'PURGE' });

describe('judge', () => {
  it('takes any 2xx for an acknowledgement, unless told what to expect', () => {
    expect(verdictOf(answer(200))).toEqual({ kind: 'acknowledged' });
    expect(verdictOf(answer(204))).toEqual({ kind: 'acknowledged' });
    expect(verdictOf(answer(200, { reason: 'OK' }), '200 Purged')).toEqual({
      kind: 'down',
      why: 'answers 200 OK, and not what "expect" asks for: PURGE may reach the origin',
    });
  });

  it.each([
    [200, { reason: 'Purged' }, '200 ^Purged$'],
    [200, { body: '{"status": "ok"}' }, '200 "status": "ok"'],
    [404, {}, '200-404'],
    [202, {}, '202'],
  ])('%i %j is as expected by %s', (status, parts, expected) => {
    expect(verdictOf(answer(status, parts), '299', expected).kind).toBe('acknowledged');
  });

  it.each([
    [301, 'down'],
    [400, 'rejected'],
    [401, 'down'],
    [403, 'down'],
    [404, 'down'],
    [405, 'down'],
    [407, 'down'],
    [413, 'rejected'],
    [414, 'rejected'],
    [422, 'rejected'],
    [429, 'throttled'],
    [431, 'rejected'],
    [500, 'failed'],
    [501, 'down'],
    [502, 'failed'],
    [503, 'failed'],
  ])('%i is %s', (status, kind) => {
    expect(verdictOf(answer(status)).kind).toBe(kind);
  });

  it('names the place that a redirect leads to, and clips what the server says', () => {
    const moved = verdictOf(answer(301, { location: 'http://elsewhere/', body: 'x'.repeat(999) }));
    expect(moved).toMatchObject({
      why: `answers 301  (${'x'.repeat(200)}) and leads to http://elsewhere/: redirects are not followed`,
    });
    expect(verdictOf(answer(400, { body: 'a\u001b[2J' }))).toMatchObject({
      why: 'answers 400  (a\\u001b[2J)',
    });
  });

  it('waits as long as Retry-After says, at most an hour', () => {
    const wait = (status: number, after: string) => verdictOf(answer(status, { 'retry-after': after }));
    expect(wait(429, '3')).toMatchObject({ kind: 'throttled', waitMs: 3_000 });
    expect(wait(503, '3')).toMatchObject({ kind: 'throttled', waitMs: 3_000 });
    expect(wait(429, '999999')).toMatchObject({ waitMs: 3_600_000 });
    expect(wait(429, 'soon')).toMatchObject({ waitMs: undefined });
    const inAMinute = new Date(Date.now() + 60_000).toUTCString();
    const { waitMs } = wait(429, inAMinute) as { waitMs: number };
    expect(waitMs).toBeGreaterThan(50_000);
    expect(waitMs).toBeLessThanOrEqual(60_000);
  });

  it('takes a Retry-After of less than a second, or in the past, for none', () => {
    const aMinuteAgo = new Date(Date.now() - 60_000).toUTCString();
    for (const after of ['0', aMinuteAgo])
      expect(verdictOf(answer(429, { 'retry-after': after }))).toMatchObject({
        kind: 'throttled',
        waitMs: undefined,
      });
  });
});

it.each(['', 'ok', '20', '200-', '200 ['])('an expectation "%s" is refused', (text) => {
  expect(() => parseExpect(text)).toThrow();
});
