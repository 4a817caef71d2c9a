import { beforeEach, expect, it } from 'vitest';
import type { Answer } from '../../../src/caches/purge/answer.ts';
import { PurgeCache } from '../../../src/caches/purge/purge-cache.ts';
import type { PurgeRequest } from '../../../src/caches/purge/request-template.ts';
import { readTargets } from '../../../src/caches/purge/targets.ts';
import { TargetDownError } from '../../../src/core/errors.ts';
import type { Fact } from '../../../src/core/events.ts';
import { purgeSettings } from './settings.ts';

let now: number;
let told: string[];
let sent: string[];
/** What the target answers; an Error if it does not. By default 200. */
let answers: (request: PurgeRequest) => Partial<Answer> | Error;

beforeEach(() => {
  now = 0;
  sent = [];
  told = [];
  events = [];
  answers = () => ({});
});

/** Time passes only where somebody waits. */
const clock = {
  now: () => now,
  async wait(ms: number) {
    now += ms;
  },
};

/** What the log and the metrics are told. */
let events: Fact[];

function open(settings = {}): PurgeCache {
  const { targets, problems } = readTargets({ settleMs: 10_000, purges: [purgeSettings(settings)] });
  const [target = expect.fail(problems.join())] = targets;
  return new PurgeCache(
    target,
    {
      clock,
      tell: (text) => void told.push(text),
      run: async () => expect.fail('it runs a program'),
      observe: (event) => void events.push(event),
    },
    async (request) => {
      sent.push(`${request.method} ${request.headers.host ?? ''}${request.path}`);
      const answer = answers(request);
      if (answer instanceof Error) throw answer;
      return { status: 200, reason: 'OK', headers: {}, body: '', ...answer };
    },
  );
}

const down = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

it('a target says until when it asks to wait, and not longer', async () => {
  answers = () => (now < 3_000 ? { status: 429, headers: { 'retry-after': '3' } } : {});
  const cache = open({ connections: 1 });
  const shown: (string | undefined)[] = [];
  const { wait } = clock;
  clock.wait = async (ms) => {
    shown.push(cache.problem);
    await wait(ms);
  };
  await cache.clear(['/1']);
  clock.wait = wait;
  expect(shown).toEqual([expect.stringMatching(/^throttled until \S+Z: answers 429 OK$/)]);
  expect(cache.problem).toBeUndefined();
  expect(events.map((event) => event.kind)).toEqual(['target-asked', 'target-asked']);
});

it('a target tells each answer, when it goes down, and how long that was', async () => {
  const cache = open({ connections: 1 });
  answers = down;
  await expect(cache.clear(['/1'])).rejects.toThrow(TargetDownError);
  now += 1_000;
  answers = () => ({ status: 405, reason: 'No' });
  await expect(cache.clear(['/1'])).rejects.toThrow(TargetDownError);
  await expect(cache.clear(['/1'])).rejects.toThrow(TargetDownError);
  now += 2_000;
  await expect(cache.clear(['/1'])).rejects.toThrow(TargetDownError);
  now += 4_000;
  answers = ({ path }) => ({ status: path === '/2' ? 400 : 200 });
  await cache.clear(['/1', '/2']);
  const asked = (outcome: string) => ({
    kind: 'target-asked',
    target: 'varnish',
    outcome,
    ms: 0,
    works: 1,
  });
  const since = (why: string) => ({
    kind: 'target-down',
    target: 'varnish',
    text: expect.stringMatching(
      new RegExp(`^\\[purge.varnish\\] http://127.0.0.1:1 is down since \\S+Z: ${why}`),
    ),
  });
  expect(events).toEqual([
    asked('failed'),
    asked('failed'),
    asked('failed'),
    since('does not answer: connect ECONNREFUSED$'),
    asked('refused'),
    since('answers 405 No: it does not know PURGE there$'),
    // For the same reason as before.
    asked('refused'),
    asked('acknowledged'),
    { kind: 'target-up', target: 'varnish', called: '[purge.varnish] http://127.0.0.1:1', ms: 7_000 },
    asked('refused'),
  ]);
});

it('a request for everything is no url that was purged', async () => {
  await open({ everything: 'BAN /' }).wipe();
  expect(events).toMatchObject([{ kind: 'target-asked', outcome: 'acknowledged', works: 0 }]);
});

it.each([
  // Three attempts, and then one after 1, 2, 4, 8 and 16 s; the next would be at 63.4 s.
  ['does not answer', () => down(), 8],
  ['dies of each request', () => Object.assign(new Error('reset'), { code: 'ECONNRESET' }), 8],
  ['does not purge', () => ({ status: 405 }), 6],
])('a target that %s gets few requests in 60 s, over all its connections', async (_what, answer, most) => {
  const cache = open({ connections: 16 });
  answers = answer;
  const works = Array.from({ length: 100 }, (_, nth) => `/${nth}`);
  for (; now < 60_000; now += 100) await Promise.allSettled([cache.clear(works)]);
  expect(sent).toHaveLength(most);
  // One that was well, and is asked over all of them at once, gets no more than these at first.
  const other = open({ connections: 4 });
  answers = () => ({});
  await other.clear(['/1']);
  sent = [];
  answers = answer;
  await expect(other.clear(works)).rejects.toThrow();
  expect(sent.length).toBeLessThanOrEqual(5);
});

it.each([
  ['as it is', (secret: string) => secret],
  ['in JSON', (secret: string) => JSON.stringify(secret)],
  ['encoded', (secret: string) => encodeURIComponent(secret)],
  // The answer is shown up to its 200th character.
  ['where its words are cut off', (secret: string) => 'x'.repeat(195) + secret],
])('a target does not get to show a part of a secret that it repeats %s', async (_how, write) => {
  const secret = 'p"ss w&rd+/4711';
  process.env.UNCACHED_TEST_SECRET = secret;
  const cache = open({
    header: ['Key: {env:UNCACHED_TEST_SECRET}', 'Authorization: Bearer abcdefgh', 'Soft: 1'],
  });
  delete process.env.UNCACHED_TEST_SECRET;
  for (const answer of [
    { status: 403, body: write(secret) },
    { status: 400, reason: write(secret) },
    { status: 302, headers: { location: write(secret) } },
    new Error(write(secret)),
  ]) {
    answers = () => answer;
    now += 100_000;
    const told = await cache.clear(['/1']).then(
      ({ failures }) => failures.map(({ error }) => error).join(),
      (error: Error) => error.message,
    );
    expect(`${told} ${cache.problem}`).not.toMatch(/p"|p\\"|p%22|4711|w&r|w%26/);
  }
  answers = () => ({ status: 403, body: 'abcdefgh 1' });
  now += 100_000;
  await expect(cache.clear(['/1'])).rejects.toThrow('answers 403 OK (******** 1)');
});
