import { describe, expect, it } from 'vitest';
import { readHandlers } from '../../../src/cache-kinds.ts';
import { nginxSteps } from '../../../src/caches/nginx/nginx-steps.ts';
import { zoneCache } from '../../../src/caches/nginx/zone-cache.ts';
import { readZones } from '../../../src/caches/nginx/zones.ts';
import type { CacheSections, ZoneSettings } from '../../../src/core/configuration.ts';
import { StoppingError } from '../../../src/core/errors.ts';
import type { ZoneFailure, ZoneFiles } from '../../../src/core/zone-files.ts';

const settings = (some: Partial<ZoneSettings> = {}): ZoneSettings => ({
  name: 'pages',
  path: '/var/cache/nginx/pages',
  levels: [1, 2],
  key: ['GETwww{url}', 'HEADwww{url}?'],
  how: 'spoil',
  variants: 'no',
  ...some,
});

const sections = (...zones: ZoneSettings[]): CacheSections => ({ settleMs: 10_000, purges: [], zones });

const [zone] = readZones(sections(settings())).zones;

/** Files that answer what a test says, and what was asked of them. */
function made(answer: (keys: readonly string[]) => readonly ZoneFailure[] = () => []) {
  const asked: string[][] = [];
  const files: ZoneFiles = {
    async clear(keys) {
      asked.push([...keys]);
      return { files: keys.length, failures: answer(keys) };
    },
    async wipe() {
      return { files: 2, failures: answer([]) };
    },
    find: () => expect.fail('nobody looks'),
    close: async () => void asked.push(['closed']),
  };
  return { asked, files, cache: zoneCache(zone ?? expect.fail('no zone'), files) };
}

describe('a zone', () => {
  it('has a file of each url for each key', async () => {
    const { asked, cache } = made();
    expect(await cache.clear(['/$&', ['/b/', '/c']])).toEqual({ files: 6, failures: [] });
    expect(asked).toEqual([
      ['GETwww/$&', 'HEADwww/$&?', 'GETwww/b/', 'HEADwww/b/?', 'GETwww/c', 'HEADwww/c?'],
    ]);
  });

  it('is cleared in parts', async () => {
    const { asked, cache } = made();
    const urls = Array.from({ length: 12_000 }, (_, at) => `/${at}`);
    expect((await cache.clear(urls)).files).toBe(24_000);
    expect(asked.map(({ length }) => length)).toEqual([10_000, 10_000, 4_000]);
    expect(asked[2]?.at(-1)).toBe('HEADwww/11999?');
    expect((await cache.clear([])).files).toBe(0);
  });

  it('has its variants looked for in the round that counts, and the known ones cleared before', async () => {
    const scans: unknown[] = [];
    const files = {
      ...made().files,
      async clear(_keys: readonly string[], _how: string, scan?: string) {
        scans.push(scan);
        return { files: 0, failures: [] };
      },
    };
    for (const variants of ['no', 'scan'] as const) {
      const cache = zoneCache({ ...(zone ?? expect.fail('no zone')), variants }, files);
      await cache.clear(['/a'], { secondFollows: true });
      await cache.clear(['/a'], { background: true });
    }
    expect(scans).toEqual([undefined, undefined, 'known', 'all']);
  });

  it('fails by its url', async () => {
    const failure = { key: 'HEADwww/b?', path: 'a/bc/f', code: 'ELOOP', message: 'is a link' };
    const { cache } = made(() => [failure]);
    expect((await cache.clear(['/a', '/b'])).failures).toEqual([
      {
        work: '/b',
        code: 'ELOOP',
        error: 'cannot clear /var/cache/nginx/pages/a/bc/f of HEADwww/b?: ELOOP, is a link',
      },
    ]);
  });

  it('says what gives it the right, and not what page files need', async () => {
    const failure = { key: 'GETwww/a', path: 'a', code: 'EACCES', message: 'EACCES: permission denied' };
    const { cache } = made(() => [failure]);
    const [failed] = (await cache.clear(['/a'])).failures;
    expect(failed?.error).toMatch(/pages\/a of GETwww\/a: EACCES, this account may not: run the daemon as/);
    expect(failed).not.toHaveProperty('code');
  });

  it('has a problem while it cannot be used at all', async () => {
    let error: Error | undefined = Object.assign(new Error('EACCES: no'), { code: 'EACCES' });
    const { cache } = made(() => {
      if (error) throw error;
      return [];
    });
    await expect(cache.clear(['/a'])).rejects.toThrow('cannot be cleared: EACCES, this account may not');
    expect(cache.problem).toContain('[nginx.pages] /var/cache/nginx/pages cannot be cleared: EACCES');
    error = undefined;
    await cache.clear(['/a']);
    expect(cache.problem).toBeUndefined();
  });

  it('is of unknown content while something in it cannot be cleared', async () => {
    const { cache } = made(() => [1, 2, 3].map((at) => ({ path: `f${at}`, code: 'EIO', message: 'broken' })));
    await expect(cache.wipe?.()).rejects.toThrow(
      'cannot clear /var/cache/nginx/pages/f1: EIO, broken, and 2 more like this',
    );
    expect(cache.problem).toContain('f1');
    await expect(made().cache.wipe?.()).resolves.toBeUndefined();
  });

  it('ends what is under way when the daemon stops', async () => {
    const { asked, cache } = made(() => {
      throw new Error('the cache was closed');
    });
    const stopping = new StoppingError();
    cache.end?.(stopping);
    expect(asked).toEqual([['closed']]);
    await expect(cache.clear(['/a'])).rejects.toBe(stopping);
    expect(cache.problem).toBeUndefined();
  });
});

describe('readZones', () => {
  it('stands where its section says, and lags as others do', () => {
    const { zones } = readZones(sections(settings({ after: 'purge.varnish' }), settings({ lagMs: 5 })));
    expect(zones.map(({ layer, lagMs }) => [layer.section, layer.after, lagMs])).toEqual([
      ['nginx.pages', 'purge.varnish', 2_000],
      ['nginx.pages', undefined, 5],
    ]);
  });

  it('tells of two sections for one path', () => {
    const { problems } = readZones(sections(settings(), settings({ name: 'other' })));
    expect(problems).toEqual(['[nginx.other] path = /var/cache/nginx/pages: it is that of [nginx.pages]']);
  });
});

describe('the urls of handlers', () => {
  const handler = (some: object) => ({ name: 'page', queue: 'q', clear: [], followers: [], ...some });

  it('go to every zone, with those of its followers', () => {
    const read = nginxSteps(sections(settings(), settings({ name: 'other', path: '/other' })));
    const { steps } = read(handler({ url: ['/{id}'] }), [handler({ name: 'front', url: ['/', '/{x}'] })]);
    expect(steps.map(({ cache, shared }) => [cache, shared])).toEqual([
      ['pages', ['/']],
      ['other', ['/']],
    ]);
    expect(steps[0]?.plans.map(({ expand }) => expand({ id: 'a b' }))).toEqual(['/a%20b']);
    expect([...(steps[0]?.followerOf ?? [])]).toEqual([['/', 'front']]);
  });

  it('are for a zone alone, too', () => {
    expect(readHandlers([handler({ url: ['/{id}'] })], sections(settings())).problems).toEqual([]);
    const { problems } = readHandlers([handler({ url: ['/{'] })], sections(settings()));
    expect(problems).toHaveLength(1);
  });

  it('do not include tags', () => {
    const { handlers } = readHandlers([handler({ tag: ['t-{id}'] })], sections(settings()));
    expect(handlers.get('page')?.steps.filter(({ kind }) => kind === 'nginx')).toEqual([]);
  });
});
