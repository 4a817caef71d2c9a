import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clear } from '../../src/filesystem/clear-patterns.ts';
import { walks } from './walks.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'uncached-identity-'));
  for (const directory of ['news', 'ports/x']) {
    mkdirSync(join(root, directory), { recursive: true });
    writeFileSync(join(root, directory, 'page'), 'x');
  }
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const identityOf = (path: string) => {
  const { dev, ino } = statSync(join(root, path), { bigint: true });
  return `${dev}:${ino}`;
};
const fronts = ['news', 'ports', 'ports/x'];
const refused = expect.objectContaining({ code: 'EROOT' });

describe.each(walks)('%s walk', (_name, walk) => {
  it('clears in what is what it must be', () => {
    const identities = { '': identityOf('') };
    expect(clear(root, ['news/*', 'ports/x/*'], walk, { fronts, identities })).toEqual({
      files: 2,
      failures: [],
    });
  });

  it('does nothing in a root that is another directory, and stands nowhere in it', () => {
    const identities = { '': identityOf('news') };
    const before = process.cwd();
    expect(() => clear(root, ['news/*'], walk, { fronts, identities })).toThrow(refused);
    expect(existsSync(join(root, 'news/page'))).toBe(true);
    expect(process.cwd()).toBe(before);
  });

  it.each([
    ['a plain directory', () => {}],
    [
      'a link',
      () => {
        rmSync(join(root, 'news'), { recursive: true });
        symlinkSync('ports/x', join(root, 'news'));
      },
    ],
    ['nothing', () => rmSync(join(root, 'news'), { recursive: true })],
    [
      'a file',
      () => {
        rmSync(join(root, 'news'), { recursive: true });
        writeFileSync(join(root, 'news'), 'x');
      },
    ],
  ])(
    'refuses everything when %s is in place of a set that was mounted, though the others are cleared',
    (_what, make) => {
      make();
      const identities = { '': identityOf(''), news: '1:1' };
      for (const patterns of [['news/*', 'ports/x/*'], ['news/1/*'], ['*/page'], ['none/*', 'news/page']])
        expect(() => clear(root, patterns, walk, { fronts, identities }), String(patterns)).toThrow(refused);
      expect(existsSync(join(root, 'ports/x/page'))).toBe(false);
      expect(clear(root, ['ports/x/*'], walk, { fronts, identities })).toEqual({ files: 0, failures: [] });
    },
  );

  it('refuses to remove what is not what it must be', () => {
    const identities = { '': identityOf(''), 'ports/x': '1:1' };
    expect(() => clear(root, ['ports/'], walk, { fronts, identities })).toThrow(refused);
    expect(existsSync(join(root, 'ports/x/page'))).toBe(true);
  });
});
