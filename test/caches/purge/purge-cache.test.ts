import { beforeEach, describe, expect, it } from 'vitest';
import type { Answer } from '../../../src/caches/purge/answer.ts';
import { PurgeCache } from '../../../src/caches/purge/purge-cache.ts';
import type { PurgeRequest } from '../../../src/caches/purge/request-template.ts';
import { readTargets } from '../../../src/caches/purge/targets.ts';
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
  answers = () => ({});
});

/** Time passes only where somebody waits. */
const clock = {
  now: () => now,
  async wait(ms: number) {
    now += ms;
  },
};

const outside = { clock, tell: () => {}, run: async () => expect.fail('it runs a program') };

function open(settings = {}): PurgeCache {
  const { targets, problems } = readTargets({ settleMs: 10_000, purges: [purgeSettings(settings)] });
  const [target = expect.fail(problems.join())] = targets;
  return new PurgeCache(target, { ...outside, tell: (text) => void told.push(text) }, async (request) => {
    sent.push(`${request.method} ${request.headers.host ?? ''}${request.path}`);
    const answer = answers(request);
    if (answer instanceof Error) throw answer;
    return { status: 200, reason: 'OK', headers: {}, body: '', ...answer };
  });
}

const down = () => Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });

describe('a target', () => {
  it('is asked for each url once, for each site', async () => {
    const cache = open({ site: ['https://a', 'https://b'] });
    expect(await cache.clear(['/1', ['/2', '/3']])).toEqual({ files: 0, failures: [] });
    expect(sent.sort()).toEqual(['a/1', 'a/2', 'a/3', 'b/1', 'b/2', 'b/3'].map((url) => `PURGE ${url}`));
  });

  it('is asked for several in one request, and fails the one alone that it does not take', async () => {
    const tags = Array.from({ length: 256 }, (_, nth) => `tag-${nth}`);
    const asked: string[][] = [];
    answers = ({ body = '' }) => {
      const named = JSON.parse(body) as string[];
      asked.push(named);
      return named.includes('tag-77') ? { status: 400, reason: 'Bad', body: 'x'.repeat(300) } : {};
    };
    const cache = open({ request: 'POST /purge', body: '{tags}', batch: 256, site: [], connections: 1 });
    const { failures } = await cache.clear([...tags, 'tag-0']);
    expect(failures).toEqual([
      { work: 'tag-77', error: `cannot purge tag-77: answers 400 Bad (${'x'.repeat(200)})` },
    ]);
    expect(asked[0]).toEqual(tags);
    // Two for each halving; a tag that comes twice is sent once.
    expect(asked).toHaveLength(1 + 2 * 8);
    const acknowledged = asked.filter((named) => !named.includes('tag-77')).flat();
    expect(acknowledged.sort()).toEqual(tags.filter((tag) => tag !== 'tag-77').sort());
  });

  it('is asked for as many bytes as fit, with the longest site', async () => {
    const bodies: string[] = [];
    answers = ({ body = '' }) => {
      bodies.push(body);
      return {};
    };
    const site = ['https://a', 'https://www.example.org'];
    const request = { request: 'POST /purge', body: '{pages}', site, batchBytes: 70, connections: 1 };
    await open(request).clear(['/1', '/2', '/3', '/4', '/5']);
    expect(bodies).toHaveLength(6);
    expect(bodies[1]).toBe('["https://www.example.org/1","https://www.example.org/2"]');
    for (const body of bodies) expect(body.length).toBeLessThanOrEqual(70);
  });

  it('fails a url alone that it does not take', async () => {
    answers = ({ path }) => (path === '/2' ? { status: 400, reason: 'Bad', body: 'no such key' } : {});
    expect((await open().clear(['/1', '/2', '/3'])).failures).toEqual([
      { work: '/2', error: 'cannot purge /2: answers 400 Bad (no such key)' },
    ]);
  });

  it('is tried three times, and is down then', async () => {
    const cache = open({ connections: 1 });
    answers = down;
    await expect(cache.clear(['/1', '/2'])).rejects.toThrow(
      '[purge.varnish] http://127.0.0.1:1 does not answer: connect ECONNREFUSED',
    );
    expect(sent).toHaveLength(3);
    expect(cache.problem).toMatch(/^down since .*Z: does not answer: connect ECONNREFUSED$/);
  });

  it('that fails once is not down', async () => {
    let failed = 0;
    answers = () => (failed++ === 0 ? down() : {});
    const cache = open();
    expect((await cache.clear(['/1'])).failures).toEqual([]);
    expect(cache.problem).toBeUndefined();
  });

  it('that does not purge at all is down at once', async () => {
    answers = () => ({ status: 405, reason: 'Not allowed' });
    await expect(open({ connections: 1 }).clear(['/1', '/2'])).rejects.toThrow(
      'answers 405 Not allowed: it does not know PURGE there',
    );
    expect(sent).toHaveLength(1);
  });

  it('that is down gets one request after 1, 2, 4 … 60 s, whoever asks', async () => {
    const cache = open();
    answers = () => ({ status: 405 });
    const times: number[] = [];
    for (; now < 200_000; now += 100) {
      const before = sent.length;
      await Promise.allSettled([cache.clear(['/1', '/2']), cache.clear(['/3'])]);
      if (sent.length > before && now > 0) times.push(now);
      expect(sent.length - before).toBeLessThanOrEqual(now === 0 ? 2 : 1);
    }
    expect(times).toEqual([1, 3, 7, 15, 31, 63, 123, 183].map((seconds) => seconds * 1_000));
  });

  it('that answers again gets all it missed', async () => {
    const cache = open();
    answers = down;
    await expect(cache.clear(['/1'])).rejects.toThrow();
    sent = [];
    answers = () => ({});
    await expect(cache.clear(['/1', '/2'])).rejects.toThrow('ECONNREFUSED');
    expect(sent).toEqual([]);
    now += 1_000;
    await cache.clear(['/1', '/2', '/3']);
    expect(sent).toEqual(['PURGE www.example.org/1', 'PURGE www.example.org/2', 'PURGE www.example.org/3']);
    expect(cache.problem).toBeUndefined();
  });

  it('that asks to wait gets nothing meanwhile, and then all', async () => {
    const times: number[] = [];
    answers = () => {
      times.push(now);
      return now < 3_000 ? { status: 429, headers: { 'retry-after': '3' } } : {};
    };
    const cache = open({ connections: 1 });
    await cache.clear(['/1', '/2']);
    expect(times).toEqual([0, 3_000, 3_000]);
    expect(cache.problem).toBeUndefined();
  });

  it('that asks to wait without a time is asked after a second, each time', async () => {
    const times: number[] = [];
    answers = () => ({ status: times.push(now) % 2 === 1 ? 429 : 200 });
    await open({ connections: 1 }).clear(['/1', '/2']);
    expect(times).toEqual([0, 1_000, 1_000, 2_000]);
  });

  it('is emptied instead where too much is behind, if it can be', () => {
    expect(open().wipesOver).toBeUndefined();
    expect(open({ everything: 'BAN /', everythingOver: 7 }).wipesOver).toBe(7);
  });

  it('is asked no more often than the rate says, whoever asks', async () => {
    const times: number[] = [];
    answers = () => {
      times.push(now);
      return {};
    };
    const cache = open({ connections: 1, rate: '2/s burst 2' });
    await cache.clear(['/1', '/2', '/3']);
    await cache.clear(['/4', '/5']);
    expect(times).toEqual([0, 0, 500, 1_000, 1_500]);
  });

  it('that is down uses up no requests of its rate', async () => {
    const cache = open({ connections: 1, rate: '1/m' });
    answers = () => ({ status: 405 });
    await expect(cache.clear(['/1'])).rejects.toThrow();
    for (let again = 0; again < 100; again++) await expect(cache.clear(['/1'])).rejects.toThrow('405');
    answers = () => ({});
    now += 1_000;
    await cache.clear(['/1']);
    expect(now).toBe(60_000);
  });

  it('is not asked for the rest of what the caller will repeat', async () => {
    let refuse = () => {};
    const refused = new Promise<void>((resolve) => {
      refuse = resolve;
    });
    const sections = { settleMs: 0, purges: [purgeSettings({ connections: 2 })] };
    const [target = expect.fail('no target')] = readTargets(sections).targets;
    const cache = new PurgeCache(target, outside, async ({ path }) => {
      sent.push(path);
      if (path === '/2') await refused;
      return { status: path === '/1' ? 405 : 200, reason: '', headers: {}, body: '' };
    });
    await cache.clear(['/0']);
    await expect(cache.clear(['/1', '/2', '/3', '/4'])).rejects.toThrow('405');
    // The second worker finds the target up again.
    refuse();
    await new Promise((later) => setImmediate(later));
    expect(sent).toEqual(['/0', '/1', '/2']);
  });

  it('does not get to show a secret that it repeats', async () => {
    process.env.UNCACHED_TEST_SECRET = 's3cret';
    const cache = open({ header: ['Key: {env:UNCACHED_TEST_SECRET}'] });
    delete process.env.UNCACHED_TEST_SECRET;
    answers = ({ headers }) => ({ status: 403, body: `wrong key ${headers.key}` });
    await expect(cache.clear(['/1'])).rejects.toThrow('wrong key ********');
    expect(cache.problem).not.toContain('s3cret');
  });

  it('that does not answer is not waited for when the daemon stops', async () => {
    let sent = () => {};
    const asked = new Promise<void>((resolve) => {
      sent = resolve;
    });
    const { targets } = readTargets({ settleMs: 0, purges: [purgeSettings({})] });
    const [target = expect.fail('no target')] = targets;
    const cache = new PurgeCache(target, outside, () => {
      sent();
      return new Promise(() => {});
    });
    const clearing = cache.clear(['/1']);
    await asked;
    cache.end(new Error('stopping'));
    await expect(clearing).rejects.toThrow('stopping');
    await expect(cache.clear(['/2'])).rejects.toThrow('stopping');
  });

  it('is emptied by the request for everything', async () => {
    await open({ everything: 'BAN /' }).wipe();
    expect(told).toEqual([]);
    await open().wipe();
    expect(told).toEqual([
      '[purge.varnish] http://127.0.0.1:1 may have stale pages from before, and "everything" is not set: they stay until they expire',
    ]);
    expect(sent).toEqual(['BAN www.example.org/']);
    answers = () => ({ status: 400 });
    await expect(open({ everything: 'BAN /' }).wipe()).rejects.toThrow('answers 400');
  });
});
