import { describe, expect, it } from 'vitest';
import { shellProblems } from '../../../src/caches/command/shell-syntax.ts';

const problemsOf = (options: { clear?: string[]; run?: string }) =>
  shellProblems({ name: 'news', clear: [], followers: [], ...options });

const braced = ['$', '{HOME}'].join('');

describe('shellProblems of a template', () => {
  it('reports **, which is not recursive, and alternatives in braces', () => {
    expect(problemsOf({ clear: ['news/**/x.html'] })).toEqual([
      expect.stringMatching(/^\[handler\.news\] clear\[\] = news\/\*\*\/x\.html: "\*\*" is "\*" twice/),
    ]);
    expect(problemsOf({ clear: ['{news,blog}/*'] })).toEqual([
      '[handler.news] clear[] = {news,blog}/*: {news,blog} is a column and no choice of names: write a template for each',
    ]);
  });

  it('accepts syntax that means what it looks like', () => {
    const clear = ['news/*/*', 'a\\**/x', 'a/[**]', '{a}/{b:below /x,y}/*.html', '{day:%Y}*{day:%m}*'];
    expect(problemsOf({ clear })).toEqual([]);
  });
});

describe('shellProblems of a command', () => {
  it.each([
    ['/bin/purge | logger', '|'],
    ['/bin/purge > /dev/null', '>'],
    ['/bin/purge 2>&1', '2>&1'],
    ['/bin/purge >/var/log/x', '>/var/log/x'],
    ['/bin/purge && /bin/warm', '&&'],
    ['/bin/purge &', '&'],
    ['/bin/purge; /bin/warm', 'e;'],
    ['/bin/purge $HOME/x', '$HOME'],
    [`/bin/purge ${braced}/x`, braced],
    ['/bin/purge $(date)', '$(date)'],
    ['/bin/purge `date`', '`'],
    ['/bin/purge ~/x', '~/x'],
    ['/bin/purge a{1,2}.html', '{1,2}'],
    ['/bin/purge {slug}', '{slug}'],
    ["/bin/purge 'a b'", "'"],
  ])('%s: tells of %s', (run, found) => {
    const problems = problemsOf({ run });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(`[handler.news] run = ${run}: "${found}": `);
    expect(problems[0]).toContain('put it into a script that begins with #!/bin/sh');
  });

  it.each([
    '/usr/bin/curl -s -X PURGE http://127.0.0.1/x?a=b&c=d',
    '/usr/bin/find /var/cache -name *.html -exec touch {} ;',
    '/usr/bin/rsync -a --delete /a/ b:/c/ --exclude=~ --max=a->b',
    '/usr/local/sbin/zfs rollback tank/a@empty',
  ])('%s: has nothing against it', (run) => {
    expect(problemsOf({ run })).toEqual([]);
  });
});
