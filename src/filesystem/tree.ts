import { isWild, unescapeData } from '../core/pattern.ts';
import type { Name } from './directory.ts';
import { type Matcher, matcher, nameOf } from './match.ts';

/** Patterns grouped by directory, so that each directory is opened and listed once for all of them. */
export interface TreeNode {
  /** Sub-directories by name. Most nodes have none: they are made by thousands, and a Map is dear. */
  named?: Map<string, TreeNode>;
  /** Sub-directories by wild component. */
  wild?: Map<string, TreeNode>;
  /** What is to go in this directory. */
  readonly ends: End[];
}

export interface End {
  /** The one name it stands for; undefined for a wild component. */
  readonly literal: Name | undefined;
  readonly matches: Matcher;
  /** Its pattern has a trailing `/`: only a directory goes. */
  readonly directory: boolean;
  readonly pattern: string;
}

export function toTree(patterns: Iterable<string>): TreeNode {
  const root: TreeNode = { ends: [] };
  for (const pattern of new Set(patterns)) {
    const directory = pattern.endsWith('/');
    const components = (directory ? pattern.slice(0, -1) : pattern).split('/');
    const last = components.pop() ?? '';
    let node = root;
    for (const component of components) node = descend(node, component);
    node.ends.push({
      literal: isWild(last) ? undefined : nameOf(unescapeData(last)),
      matches: matcher(last),
      directory,
      pattern,
    });
  }
  return root;
}

/** Every pattern at or below a node: these fail when its directory cannot be entered. */
export function patternsOf(node: TreeNode): string[] {
  const nodes = [node];
  // Grows as it goes.
  for (const { named, wild } of nodes)
    for (const children of [named, wild]) for (const child of children?.values() ?? []) nodes.push(child);
  return nodes.flatMap(({ ends }) => ends.map(({ pattern }) => pattern));
}

function descend(node: TreeNode, component: string): TreeNode {
  const isNamed = !isWild(component);
  const name = isNamed ? unescapeData(component) : component;
  const children = (isNamed ? node.named : node.wild) ?? new Map<string, TreeNode>();
  if (isNamed) node.named = children;
  else node.wild = children;
  const child = children.get(name) ?? { ends: [] };
  children.set(name, child);
  return child;
}
