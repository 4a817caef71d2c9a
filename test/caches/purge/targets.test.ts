import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readHandlers } from '../../../src/cache-kinds.ts';
import { fillSecrets, openSecrets } from '../../../src/caches/purge/secrets.ts';
import { readTargets } from '../../../src/caches/purge/targets.ts';
import type { PurgeSettings } from '../../../src/core/configuration.ts';
import { purgeSettings } from './settings.ts';

const read = (...purges: Partial<PurgeSettings>[]) =>
  readTargets({ settleMs: 10_000, purges: purges.map(purgeSettings) });

describe('readTargets', () => {
  it('has one target for each address, where its section stands', () => {
    const { targets, problems } = read(
      { name: 'cdn', after: 'purge.varnish' },
      { to: ['http://10.0.0.1:6081', 'http://10.0.0.2:6081', 'unix:/run/v'] },
    );
    expect(problems).toEqual([]);
    expect(targets.map(({ name, layer }) => [name, layer.section, layer.after])).toEqual([
      ['cdn', 'purge.cdn', 'purge.varnish'],
      ['varnish/10.0.0.1:6081', 'purge.varnish', undefined],
      ['varnish/10.0.0.2:6081', 'purge.varnish', undefined],
      ['varnish/run/v', 'purge.varnish', undefined],
    ]);
  });

  it('lags two seconds, and with a short settle time as long as a slow render', () => {
    expect(read({}).targets[0]?.lagMs).toBe(2_000);
    expect(readTargets({ settleMs: 0, purges: [purgeSettings({})] }).targets[0]?.lagMs).toBe(12_000);
    expect(read({ lagMs: 100 }).targets[0]?.lagMs).toBe(100);
  });

  it('tells every problem, and its option', () => {
    const { problems } = read(
      { name: 'a', to: ['ftp://x', 'http://u:p@x', 'http://x/y', 'unix:x'], site: ['x', 'http://x/y'] },
      { name: 'b', expect: ['ok'], header: ['K: {env:NOT_SET_ANYWHERE}'], everything: 'all' },
      { name: 'c', site: [], ca: '/none/such' },
      { name: 'i', batch: 2, rate: '5/h' },
    );
    const starts = [
      '[purge.a] to = ftp://x: must be http://host:port',
      '[purge.a] to = http://u:p@x: must not contain a user',
      '[purge.a] to = http://x/y: must not have a path',
      '[purge.a] to = unix:x: must name the socket by an absolute path',
      '[purge.a] site = x: must be scheme and host',
      '[purge.a] site = http://x/y: must be scheme and host alone',
      '[purge.b] expect = ok: must be a status',
      '[purge.b] header[] = K: the environment variable NOT_SET_ANYWHERE is not set',
      '[purge.b] everything = all: must be a method and a path',
      '[purge.c] ca = /none/such: ENOENT',
      '[purge.c] site is missing',
      '[purge.i] rate = 5/h: must be requests by the second or minute',
      '[purge.i] batch = 2: {url} stands for a single one: write {urls}, {pages}, {tags} or {url:regex}',
    ];
    for (const start of starts)
      expect(
        problems.some((problem) => problem.startsWith(start)),
        `${start}\n${problems.join('\n')}`,
      ).toBe(true);
    expect(problems).toHaveLength(starts.length);
  });

  it('is what a handler with url[] or tag[] needs', () => {
    const handler = { name: 'page', queue: 'q', clear: [], followers: [], url: ['/{id}'] };
    expect(readHandlers([handler]).problems).toEqual([
      '[handler.page] has url[] or tag[], and there is no [purge.NAME] or [nginx.NAME] section for them',
    ]);
    const { handlers, problems } = readHandlers([handler], { settleMs: 0, purges: [purgeSettings({})] });
    expect(problems).toEqual([]);
    expect(handlers.get('page')?.columns).toEqual(['id']);
  });
});

describe('secrets', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'uncached-secret-'));
    writeFileSync(join(folder, 'key'), 's3cret\n', { mode: 0o600 });
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('come from the environment, a file or a credential, without the last newline', () => {
    const env = { KEY: 'e', CREDENTIALS_DIRECTORY: folder };
    expect(fillSecrets('a {env:KEY} b', env)).toBe('a e b');
    expect(fillSecrets(`{file:${folder}/key}`, env)).toBe('s3cret');
    expect(fillSecrets('{credential:key}', env)).toBe('s3cret');
    expect(fillSecrets('{tag}', env)).toBe('{tag}');
  });

  it.each([
    ['{env:KEY}', {}, 'the environment variable KEY is not set'],
    ['{file:/none/such}', {}, 'cannot read the secret: ENOENT'],
    ['{credential:key}', {}, 'LoadCredential=key:/path'],
    ['{credential:a/b}', { CREDENTIALS_DIRECTORY: '/x' }, 'must be a name without "/"'],
  ])('%s in %j is reported', (text, env, why) => {
    expect(() => fillSecrets(text, env)).toThrow(why);
  });

  it('that everybody may read are found', () => {
    const open = join(folder, 'open');
    writeFileSync(open, 'x', { mode: 0o644 });
    expect(openSecrets(`{file:${folder}/key} {file:${open}} {env:X} {file:/none}`)).toEqual([open]);
  });
});
