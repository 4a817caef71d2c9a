import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import type { Key } from '../../src/core/contracts.ts';
import type { Meant } from '../template/generated.ts';
import { fits } from '../template/plain-definition.ts';

/** A directory as it ought to be on disk. A byte that is no UTF-8 is written 0xff, and here U+DCFF. */
export type Tree = Map<string, Tree | 'file' | 'link'>;

/** A link leads to `outside`. What is there already stays. */
export function plant(tree: Tree, at: string, outside: string): void {
  mkdirSync(onDisk(at), { recursive: true });
  for (const [name, what] of tree) {
    const path = `${at}/${name}`;
    if (what === 'file') writeFileSync(onDisk(path), 'x');
    else if (what === 'link') symlinkSync(outside, onDisk(path));
    else plant(what, path, outside);
  }
}

/** Every path below a directory; that of a directory ends in `/`. */
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

/** The tree as it is after a clearing, by the plain definition. */
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

/** No UTF-8 has this byte. */
function inText(bytes: Buffer): string {
  const at = bytes.indexOf(0xff);
  return at === -1 ? bytes.toString() : `${bytes.subarray(0, at)}\udcff${inText(bytes.subarray(at + 1))}`;
}
