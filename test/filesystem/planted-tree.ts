import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import type { Key } from '../../src/core/contracts.ts';
import type { Meant } from '../template/generated.ts';
import { fits } from '../template/plain-definition.ts';

/** The intended content of a directory. A byte that is not UTF-8 is 0xff on disk and U+DCFF here. */
export type Tree = Map<string, Tree | 'file' | 'link'>;

/** Creates the tree below `at`. A link leads to `outside`. Existing files stay. */
export function plant(tree: Tree, at: string, outside: string): void {
  mkdirSync(onDisk(at), { recursive: true });
  for (const [name, what] of tree) {
    const path = `${at}/${name}`;
    if (what === 'file') writeFileSync(onDisk(path), 'x');
    else if (what === 'link') symlinkSync(outside, onDisk(path));
    else plant(what, path, outside);
  }
}

/** Every path below a directory. The path of a directory ends in `/`. */
export function pathsOf(at: string, below = ''): string[] {
  return readdirSync(onDisk(`${at}/${below}`), { withFileTypes: true, encoding: 'buffer' }).flatMap(
    (entry) => {
      const path = below + inText(entry.name);
      return entry.isDirectory() ? [`${path}/`, ...pathsOf(at, `${path}/`)] : [path];
    },
  );
}

export function planned(tree: Tree, below = ''): string[] {
  return [...tree].flatMap(([name, what]) =>
    what instanceof Map ? [`${below}${name}/`, ...planned(what, `${below}${name}/`)] : [below + name],
  );
}

const temp = { prefix: 1, suffix: '.0123456789abcdef.tmp'.length };

/** The tree after a clearing, according to the plain definition. */
export function cleared(tree: Tree, { components: [first, ...deeper], directory }: Meant, key: Key): Tree {
  if (first === undefined) return tree;
  const left: Tree = new Map();
  for (const [name, what] of tree) {
    const isHit = fits(first, key, name);
    if (deeper.length > 0) {
      const enters = isHit && what instanceof Map;
      left.set(name, enters ? cleared(what, { components: deeper, directory }, key) : what);
      continue;
    }
    const page = name.endsWith('.0123456789abcdef.tmp') ? name.slice(temp.prefix, -temp.suffix) : undefined;
    const goes = directory
      ? isHit && what !== 'file'
      : isHit || (page !== undefined && page !== '' && name.startsWith('.') && fits(first, key, page));
    if (!goes) left.set(name, what);
  }
  return left;
}

function onDisk(path: string): Buffer {
  const parts = path.split('\udcff').map((part) => Buffer.from(part));
  return Buffer.concat(parts.flatMap((part, at) => (at === 0 ? [part] : [Buffer.from([0xff]), part])));
}

/** This byte occurs in no UTF-8 text. */
function inText(bytes: Buffer): string {
  const at = bytes.indexOf(0xff);
  return at === -1 ? bytes.toString() : `${bytes.subarray(0, at)}\udcff${inText(bytes.subarray(at + 1))}`;
}
