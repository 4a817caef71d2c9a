import { describe, expect, it } from 'vitest';
import { look, whole } from './look.ts';

describe('problems', () => {
  it('come all at once, none with a password', () => {
    const text = `[database]
HOST =
DBUSER = me
PASSWORD = hunter two
PASSWORD = hunter3
hunter4
[dirs]
BASEDIR = /var/db/freshports
PORT_CACHE_PATH = %(BASEDIR)s/cache/ports/%s/%s/*
DATE_CACHE_PATH = %(BASEDIR)s/cache/daily/%%s/%%s/*
COMMIT_CACHE_PATH = %(BASDIR)s/cache/commits/%%s/
NEWS_CACHE_DIR = cache/news
FILE_CACHE_PATH = %(BASEDIR)s/cache/ports
  %%s.*
PKG_ZFS_SNAPSHOT = pool/data
`;
    const { problems, notices } = look(text);
    // An option with a problem is not reported as missing.
    expect(notices.filter((notice) => /CATEGORY_CACHE|PORT_CACHE|COMMIT_CACHE|NEWS/.test(notice))).toEqual([
      expect.stringContaining('CATEGORY_CACHE_PATH is missing'),
    ]);
    expect(problems).toEqual([
      'line 5: PASSWORD is set in line 4 already',
      'line 6: is neither [section] nor NAME = value',
      'line 2: [database] HOST is empty: give it a value, or remove the line',
      "line 4: [database] PASSWORD has a word that is no NAME=value: put the value in single quotes, with \\' for a quote in it and \\\\ for a backslash",
      'line 9: [dirs] PORT_CACHE_PATH has a "%" that is neither %% nor %(NAME)s: write %%, and %%s where a value goes',
      'line 11: [dirs] COMMIT_CACHE_PATH refers to %(BASDIR)s, which is not set, did you mean "BASEDIR"?',
      'line 10: [dirs] DATE_CACHE_PATH has %%s 2 times where there must be %%s 3 times',
      'line 13: [dirs] FILE_CACHE_PATH goes on in the next line, since that one is indented: begin each line at the margin',
      'line 12: [dirs] NEWS_CACHE_DIR must be an absolute path',
      'line 15: [dirs] PKG_ZFS_SNAPSHOT must be a ZFS snapshot, DATASET@empty, or the absolute path of the directory of packages',
    ]);
    expect(JSON.stringify(problems)).not.toContain('hunter');
  });

  it('with both dialects in a file: one, and nothing is guessed', () => {
    const { problems, configuration } = look(`${whole}[cache]\nroot = /x\n`);
    expect(configuration).toBeUndefined();
    expect(problems).toEqual([
      expect.stringMatching(/^line 7: \[dirs\] is fp-listen's dialect, line 23: \[cache\] is uncached's own/),
    ]);
    expect(look('[database]\nDBUSER = me\n[handler.news]\nclear = news/*\n').problems).toHaveLength(1);
  });

  it('with DBUSER but no [dirs]', () => {
    const { problems, notices } = look('[database]\nDBUSER = me\n[dir]\n');
    expect(problems).toEqual(['there is no section [dirs]: nothing would ever be cleared']);
    expect(notices).toEqual(['line 3: the section [dir] means nothing, did you mean "dirs"?']);
  });
});
