import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/**
 * Files that must never change: a tree next to root, and pages below root that no entry names. Returns a
 * function that checks them.
 */
export function placeCanaries(root: string): { readonly within: ReadonlySet<string>; harm(): string[] } {
  const beside = join(root, '../outside');
  for (const path of ['a', 'b/c', 'b/Detail.Page1.html', 'ports/plain/www/0/Detail.Page1.html'])
    write(join(beside, path));
  symlinkSync('b', join(beside, 'link'));
  for (const path of within) write(join(root, path));

  const before = new Map([...snapshot(beside), ...within.map((path) => hashed(join(root, path)))]);
  return {
    within: new Set(within),
    harm() {
      const now = new Map([...snapshot(beside), ...within.map((path) => hashed(join(root, path)))]);
      return [...new Set([...before.keys(), ...now.keys()])]
        .filter((path) => before.get(path) !== now.get(path))
        .map((path) => `${path}: ${before.get(path) ?? 'not there'}, now ${now.get(path) ?? 'gone'}`);
    },
  };
}

/**
 * Next to pages with keys such as `*`, `?x`, `a[b]` or prefixes. A pattern that treated data as a glob would
 * match these files.
 */
const within = [
  'spooling/draft',
  'searchlog.txt',
  'html/index.html',
  'news.html',
  'ports/plain/www/never/Detail.Page1.html',
  'ports/plain/www/ax/Detail.Page1.html',
  'ports/unique/ab/0/Detail.Page1.html',
  'ports/row/www/.hidden/Detail.Page1.html',
  'categories/plain/wwwx.all.html',
  'categories/unique/any.all.html',
  'ports/poison/..html',
];

function snapshot(folder: string): [string, string][] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((path) => hashed(join(folder, path)));
}

function hashed(path: string): [string, string] {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return [path, 'gone'];
  const kind = `${found.mode.toString(8)} ${found.ino}`;
  return [
    path,
    found.isFile() ? `${kind} ${createHash('sha1').update(readFileSync(path)).digest('hex')}` : kind,
  ];
}

function write(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `canary ${path}`);
}
