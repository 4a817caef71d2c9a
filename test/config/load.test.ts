import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { format } from '../../src/config/format-configuration.ts';
import { findFile, inspect, load } from '../../src/config/load.ts';
import type { Configuration } from '../../src/config/typed-configuration.ts';
import { UsageError } from '../../src/core/errors.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'uncached-config-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function file(text: string): string {
  const path = join(folder, 'uncached.ini');
  writeFileSync(path, text);
  return path;
}

function problems(text: string): readonly string[] {
  const path = file(text);
  try {
    load(path);
  } catch (error) {
    if (error instanceof UsageError) return error.problems.map((problem) => problem.replace(`${path}: `, ''));
    throw error;
  }
  return [];
}

const configurationOf = (text: string) => load(file(text)).configuration;

const minimal = '[cache]\nroot = /var/cache/site\n[handler.news]\nclear[] = news/*\n';

describe('load', () => {
  it('fills in the defaults', () => {
    expect(configurationOf(minimal)).toEqual({
      file: join(folder, 'uncached.ini'),
      database: {},
      cache: { root: '/var/cache/site', settleMs: 10_000 },
      daemon: {
        sweepMs: 60_000,
        listens: true,
        hints: true,
        pollMs: 1_000,
        heartbeatMs: 10_000,
        expireMs: 3_600_000,
        keepMs: 3_600_000,
        batch: 1_000,
        log: 'info',
      },
      http: {},
      handlers: [{ name: 'news', clear: ['news/*'], followers: [], url: [], tag: [] }],
      purges: [],
      zones: [],
    } satisfies Configuration);
  });

  it('takes values as they are written: quotes, comments, true', () => {
    const text = `; comment\n# comment\n[database]\npassword = "a#b;c"\ndbname = true ; the database\nhost='/run/pg'\n  user =  me  \n${minimal}`;
    expect(configurationOf(text).database).toEqual({
      password: 'a#b;c',
      dbname: 'true',
      host: '/run/pg',
      user: 'me',
    });
  });

  it.each([
    [`'1e3'`, '1e3'],
    [`'a\\b"c'`, 'a\\b"c'],
    [`"a\\\\b\\"c"`, 'a\\b"c'],
    [`"true"`, 'true'],
    [`1e3`, '1e3'],
  ])('takes the password %s as it is meant', (written, password) => {
    expect(configurationOf(`[database]\npassword = ${written}\n${minimal}`).database).toEqual({ password });
  });

  it('refuses double quotes that could be understood in two ways', () => {
    expect(problems(`[database]\npassword = "a\\sb"\n${minimal}`)).toEqual([
      'line 2: the value of password has a backslash or a quote that means nothing in double quotes: write \\\\ and \\", or put it in single quotes, which take everything as it is',
    ]);
  });

  it('takes a list option once without brackets, or with them any number of times', () => {
    const handler = (lines: string) =>
      configurationOf(`${minimal}[handler.x]\nclear = x/*\n${lines}`).handlers[1]?.followers;
    expect(handler('then = news')).toEqual(['news']);
    expect(handler('then[] = news\nthen[] = more')).toEqual(['news', 'more']);
  });

  it('reports every problem at once, each with its line', () => {
    expect(
      problems(`stray = 1
[database]
hots = x
port = 70000
sslmode = prefer
password = se#cret
what
[cahce]
root = relative
[cache]
root = relative
settle = 10
settle = 10s
[daemon]
sweep = 10ms
expire = 59s
batch = 1e3
log[] = info
[cache]
[handler.x]
clear = a
clear = b
than = news
[handler.]
`),
    ).toEqual([
      'line 6: the value of password would end before its "#" or ";": put it in double quotes',
      'line 7: "what" is neither [section] nor option = value',
      'line 19: section [cache] begins in line 10 already: join the two',
      'line 1: stray stands before the first [section]',
      'line 8: unknown section [cahce], did you mean "cache"?',
      'line 24: unknown section [handler.]',
      'line 3: [database] hots is unknown, did you mean "host"?',
      'line 4: [database] port = 70000: must be a whole number from 1 to 65535',
      'line 5: [database] sslmode = prefer: must be one of disable, require, verify-ca, verify-full',
      'line 11: [cache] root = relative: must be an absolute path',
      'line 12: [cache] settle = 10: must be a time with its unit, such as 500ms, 10s, 5m or 1h',
      'line 13: [cache] settle is set in line 12 already',
      'line 15: [daemon] sweep = 10ms: must be from 1s to 576h',
      'line 16: [daemon] expire = 59s: must be from 1m to 576h',
      'line 17: [daemon] batch = 1e3: must be a whole number from 1 to 100000',
      'line 18: [daemon] log takes one value: write it without []',
      'line 22: [handler.x] clear is set in line 21 already: write clear[] = … in both',
      'line 23: [handler.x] than is unknown, did you mean "then"?',
    ]);
  });

  it('wants a root and a handler', () => {
    expect(problems('')).toEqual([
      '[cache] root is missing',
      'there is no [handler.…] section: nothing would ever be cleared',
    ]);
  });

  it.each(['/', '///', '/var/../..', '/var/cache/../..'])('refuses the root %s', (root) => {
    expect(problems(`[cache]\nroot = ${root}\n[handler.news]\nclear = news/*`)).toHaveLength(1);
  });

  it.each([
    ['9797', { host: '127.0.0.1', port: 9797 }],
    ['127.0.0.1:9797', { host: '127.0.0.1', port: 9797 }],
    ['0.0.0.0:1', { host: '0.0.0.0', port: 1 }],
    ['localhost:65535', { host: 'localhost', port: 65_535 }],
    ['[::1]:9797', { host: '::1', port: 9797 }],
  ])('listens at %s, and prints what loads to the same', (written, listen) => {
    const configuration = configurationOf(`[http]\nlisten = ${written}\n${minimal}`);
    expect(configuration.http).toEqual({ listen });
    expect(configurationOf(format(configuration)).http).toEqual({ listen });
  });

  it.each(['127.0.0.1', ':9797', '127.0.0.1:0', '65536', '::1:9797', 'http://localhost:9797', '[x]:1', '-1'])(
    'cannot listen at %s',
    (written) => {
      expect(problems(`[http]\nlisten = ${written}\n${minimal}`)).toEqual([
        `line 2: [http] listen = ${written}: must be an address with its port, such as 127.0.0.1:9797 or [::1]:9797`,
      ]);
    },
  );

  it('never shows a password', () => {
    expect(problems(`[database]\npassword =\n${minimal}`)).toEqual([
      'line 2: [database] password = …: is empty',
    ]);
  });

  it('says which file cannot be read', () => {
    expect(() => load(join(folder, 'none.ini'))).toThrow('none.ini: it does not exist');
  });
});

describe('a section of a handler that is misspelt', () => {
  it.each(['handlr.blog', 'handler:blog', 'handler blog', 'Handler.blog'])(
    '%s is told, with what it should be',
    (section) => {
      expect(problems(`${minimal}[${section}]\nclear[] = blog/*\n`)).toEqual([
        `line 5: unknown section [${section}], did you mean "handler.blog"?`,
      ]);
    },
  );

  it('also says which value an option should have', () => {
    expect(problems(`${minimal}cler[] = blog/*\nqeue = blog\n`)).toEqual([
      'line 5: [handler.news] cler is unknown, did you mean "clear"?',
      'line 6: [handler.news] qeue is unknown, did you mean "queue"?',
    ]);
  });
});

describe('inspect', () => {
  it('has a configuration in spite of problems, if there is enough of it', () => {
    const { draft, problems } = inspect(file(`${minimal}[database]\nhots = x\n`));
    expect(problems).toHaveLength(1);
    expect(draft?.cache.root).toBe('/var/cache/site');
  });
});

describe('format', () => {
  it('loads to the same value', () => {
    const text = `[database]\nhost = /run/pg\nport = 5433\ndbname = "a=b"\n[cache]\nroot = "/var/#1"\nsettle = 1500ms\n[daemon]\nsweep = 2m\n[handler.news]\nqueue = q\nclear[] = news/*\nclear[] = "x;y/{a}"\nthen[] = other\nrun = zfs rollback x@empty\n[handler.other]\nclear[] = o\n`;
    const configuration = configurationOf(text);
    expect(configurationOf(format(configuration))).toEqual(configuration);
  });

  it('masks the password', () => {
    const text = format(configurationOf(`[database]\npassword = hunter2\n${minimal}`));
    expect(text).toContain('\n; the password is masked: --show-password prints it\n');
    expect(text).toContain('password = ********');
    expect(text).not.toContain('hunter2');
  });
});

describe('findFile', () => {
  it('prefers --config, then the environment', () => {
    expect(findFile('a', { UNCACHED_CONFIG: 'b' })).toBe('a');
    expect(findFile(undefined, { UNCACHED_CONFIG: 'b' })).toBe('b');
    const found = (env: NodeJS.ProcessEnv) => {
      try {
        return findFile(undefined, env);
      } catch (error) {
        return String(error);
      }
    };
    expect(found({ UNCACHED_CONFIG: '' })).toBe(found({}));
  });

  it('goes on with the default of what is wrong, and without a root if that is', () => {
    const { draft, problems } = inspect(file(minimal.replace(/^root.*$/m, 'root = cache\nsettle = soon')));
    expect(problems).toHaveLength(2);
    expect(draft?.cache).toEqual({ root: undefined, settleMs: 10_000 });
    expect(draft?.handlers).toHaveLength(1);
  });
});
