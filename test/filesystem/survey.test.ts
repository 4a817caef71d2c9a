import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Survey, SurveyOptions } from '../../src/filesystem/survey.ts';
import { ordinaryAccount } from '../postgres/account.ts';

/** Root may write everywhere, so the survey runs as another user. */
const account = ordinaryAccount();

const script = `
const [dist, walk, root, options] = process.argv.slice(1);
const { survey } = await import(dist + '/survey.js');
const walks = { ...await import(dist + '/walk/handle-walk.js'), ...await import(dist + '/walk/chdir-walk.js') };
console.log(JSON.stringify(survey(root, JSON.parse(options), walks[walk])));`;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'uncached-survey-'));
  chmodSync(root, 0o755);
});
afterEach(() => {
  execFileSync('chmod', ['-R', 'u+rwX', root]);
  rmSync(root, { recursive: true });
});

/** Makes directories that the surveying user may write, unless the mode says otherwise. */
function make(paths: readonly string[], mode = 0o777): void {
  for (const path of paths) {
    mkdirSync(join(root, path), { recursive: true });
    chmodSync(join(root, path), mode);
  }
}

/** A survey ends before its time is over, on a busy machine too. */
const unhurried = { withinMs: 100_000 };

function look(walk: string, options: SurveyOptions): Survey {
  const node = ['--input-type=module', '-e', script, resolve('dist/filesystem'), `${walk}Walk`];
  return JSON.parse(
    execFileSync(process.execPath, [...node, root, JSON.stringify({ ...unhurried, ...options })], {
      cwd: '/',
      encoding: 'utf8',
      ...(account && { uid: account.uid, gid: account.gid }),
    }),
  );
}

describe.each(['handle', 'chdir'])('survey, %s walk', (walk) => {
  const patterns = ['ports/*/*/*', 'news/*', 'commits/*/'];
  const fronts = ['ports', 'news', 'commits'];

  it('counts the directories in which templates delete, and names one in which we cannot', () => {
    make(['ports', 'news', 'commits', 'ports/www/nginx', 'ports/www/apache', 'commits/1', 'news/feeds']);
    // Nothing is deleted in it, only below it.
    make(['ports/www'], 0o555);
    make(['other/locked', 'news/lost+found', '.git/objects'], 0o555);
    symlinkSync('/', join(root, 'news/link'));
    expect(look(walk, { patterns, fronts })).toEqual({ looked: 4, refused: 0, more: false });

    make(['ports/www/mysql', 'commits/2/parts'], 0o555);
    expect(look(walk, { patterns, fronts })).toEqual({
      // commits/2 is as mkdir made it.
      looked: 7,
      refused: account ? 3 : 2,
      more: false,
      example: expect.objectContaining({ uid: process.getuid?.(), mode: expect.any(Number) }),
    });
  });

  it('takes one that cannot even be entered for one, too', () => {
    make(['news']);
    make(['news/feeds'], account ? 0o700 : 0o000);
    expect(look(walk, { patterns, fronts })).toMatchObject({
      looked: 1,
      refused: 1,
      example: { path: 'news/feeds', uid: process.getuid?.(), mode: account ? 0o700 : 0o000 },
    });
  });

  it.runIf(account)('takes one in which pages are left to their owners for one, too', () => {
    make(['news', 'news/feeds'], 0o1777);
    expect(look(walk, { patterns, fronts })).toMatchObject({
      looked: 1,
      refused: 1,
      example: { mode: 0o1777 },
    });
  });

  it('reads a limited number of names, the same number in each directory, and ends in time', () => {
    const hundred = (category: string) => Array.from({ length: 100 }, (_, nth) => `ports/${category}/${nth}`);
    make(['ports', 'ports/www', 'ports/net', ...hundred('www')]);
    make(hundred('net'), 0o555);
    const { looked, refused, more } = look(walk, { patterns, fronts, names: 60 });
    expect(more).toBe(true);
    expect(looked).toBeLessThanOrEqual(60);
    // Neither uses up the other's share.
    expect(refused).toBeGreaterThan(20);
    expect(looked - refused).toBeGreaterThan(20);
    expect(look(walk, { patterns, fronts, withinMs: -1 })).toEqual({ looked: 0, refused: 0, more: true });
  });
});
