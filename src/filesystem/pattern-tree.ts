import { isWild, unescapeData } from '../core/pattern.ts';
import { type Matcher, matcher, nameOf, prefixOf } from './match.ts';
import type { Name } from './walk/directory.ts';

/** Patterns grouped by directory, so that each directory is opened and listed once for all of them. */
export interface TreeNode {
  /** Sub-directories by name. Most nodes have none: thousands of nodes are made, and a Map is expensive. */
  named?: Map<string, TreeNode>;
  /** Sub-directories by wild component. */
  wild?: Map<string, TreeNode>;
  /** What to delete in this directory. */
  readonly ends: End[];
}

export interface End {
  /** The literal name; undefined for a wild component. */
  readonly literal: Name | undefined;
  readonly matches: Matcher;
  /** The prefix of every name that it matches. */
  readonly prefix: string;
  /** Its pattern has a trailing `/`: only a directory is deleted. */
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
      prefix: isWild(last) ? prefixOf(last) : unescapeData(last),
      directory,
      pattern,
    });
  }
  return root;
}

/** Every pattern at or below a node: these fail when its directory cannot be entered. */
export function patternsOf(node: TreeNode): string[] {
  const nodes = [node];
  // The list grows during the loop.
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
