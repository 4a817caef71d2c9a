import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

export interface Canaries {
  /** Below root. */
  readonly within: ReadonlySet<string>;
  /**
   * What has become of them.
   * @param wiped whether root was wiped: then those that a template could name may be gone, and are put back
   */
  harm(wiped: boolean): string[];
  /** Another root is in the place of the former one: puts those below it there. */
  renew(): void;
}

/** Files that must never change: a tree next to root, and pages below root that no entry names. */
export function placeCanaries(root: string): Canaries {
  const beside = join(root, '../outside');
  for (const path of ['a', 'b/c', 'b/Detail.Page1.html', 'ports/plain/www/0/Detail.Page1.html'])
    write(join(beside, path));
  symlinkSync('b', join(beside, 'link'));
  const outside = new Map(snapshot(beside));
  const inside = new Map<string, string>();

  function place(path: string): void {
    write(join(root, path));
    inside.set(path, hashed(join(root, path)));
  }

  function renew(): void {
    mkdirSync(join(root, 'spooling'), { recursive: true });
    for (const path of within) place(path);
  }

  renew();
  return {
    within: new Set(within),
    renew,
    harm(wiped) {
      if (wiped) for (const path of nameable) if (hashed(join(root, path)) === 'gone') place(path);
      return [
        ...differences(outside, new Map(snapshot(beside))),
        ...differences(inside, new Map(within.map((path) => [path, hashed(join(root, path))]))),
      ];
    },
  };
}

function differences(before: ReadonlyMap<string, string>, now: ReadonlyMap<string, string>): string[] {
  return [...new Set([...before.keys(), ...now.keys()])]
    .filter((path) => before.get(path) !== now.get(path))
    .map((path) => `${path}: ${before.get(path) ?? 'not there'}, now ${now.get(path) ?? 'gone'}`);
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

/** What a wipe deletes: everything that the templates could name. */
const nameable = within.filter((path) => /^(ports|categories)\/(plain|unique|row)\//.test(path));

function snapshot(folder: string): [string, string][] {
  const paths = readdirSync(folder, { recursive: true, encoding: 'utf8' });
  return paths.map((path) => [path, hashed(join(folder, path))]);
}

function hashed(path: string): string {
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (!found) return 'gone';
  const kind = `${found.mode.toString(8)} ${found.ino}`;
  return found.isFile() ? `${kind} ${createHash('sha1').update(readFileSync(path)).digest('hex')}` : kind;
}

function write(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `canary ${path}`);
}
