import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { clear } from '../../src/filesystem/clear-patterns.ts';
import { parseTemplate } from '../../src/template/template.ts';
import { random } from '../random.ts';
import { anyKey, anyPath, anyTemplate, anyValue, written } from '../template/generated.ts';
import { isRefused, spread } from '../template/plain-definition.ts';
import { cleared, pathsOf, planned, plant, type Tree } from './planted-tree.ts';
import { walks } from './walks.ts';

const chances = random();

let base: string;
beforeEach(() => {
  base = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'uncached-property-'));
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

/** Names that a file can have, similar enough to be confused. */
function anyName(): string {
  const value =
    anyValue(chances)
      .replaceAll(/[/\0]|\p{Surrogate}/gu, '')
      .slice(0, 60) || 'a';
  const name = chances.pick([
    value,
    value,
    `${value}a`,
    `.${value}`,
    `a${value}`,
    `.${value}.0123456789abcdef.tmp`,
  ]);
  return /^\.\.?$/.test(name) ? 'b' : name;
}

function anyTree(depth: number): Tree {
  const tree: Tree = new Map();
  for (let more = 8; more > 0; more--) {
    const what = chances.pick(['file', 'file', 'link', 'tree'] as const);
    const name = what === 'file' && chances.chance(0.1) ? `${anyName()}\udcff` : anyName();
    if (tree.has(name) || (what === 'tree' && depth === 0)) continue;
    tree.set(name, what === 'tree' ? anyTree(depth - 1) : what);
  }
  return tree;
}

const namesIn = (tree: Tree): string[] =>
  [...tree].flatMap(([name, what]) => (what instanceof Map ? [name, ...namesIn(what)] : [name]));

it('clear deletes what the plain definition says, and nothing outside', () => {
  let [hits, clearings] = [0, 0];
  for (let number = 1; number <= 16; number++) {
    const [root, outside] = [join(base, `root ${number}`), join(base, `outside ${number}`)];
    const [tree, precious] = [anyTree(2), anyTree(1)];
    plant(tree, root, outside);
    plant(precious, outside, '/');
    const kept = pathsOf(outside);
    const known = namesIn(tree).map((name) => (chances.chance(0.5) ? name : name.slice(1)));
    while (clearings < number * 100) {
      const meant = anyTemplate(chances);
      const anyKnown = () => (chances.chance(0.7) ? chances.pick([...known, 'a']) : anyValue(chances));
      const isPath = meant.components.flat().some(({ kind }) => kind === 'below');
      const key = anyKey(chances, () => (isPath ? anyPath(chances, anyKnown) : anyKnown()));
      const plain = spread(meant, key);
      if (!plain || isRefused(meant, key)) continue;
      clearings += 1;
      const template = parseTemplate(written(meant));
      const [name, walk] = chances.pick(walks);
      const expected = cleared(tree, plain, key);
      const { files } = clear(root, [template.expand(key)], walk);
      const seen = `${name} walk, ${JSON.stringify([template.text, key])}`;
      expect(pathsOf(root).sort(), seen).toEqual(planned(expected).sort());
      if (files === 0) continue;
      hits += 1;
      rmSync(root, { recursive: true });
      plant(tree, root, outside);
    }
    expect(pathsOf(outside)).toEqual(kept);
  }
  // Most find nothing. About 200 of 1,600 find something, and 100 would be seven standard deviations off.
  expect(hits).toBeGreaterThan(100);
});
