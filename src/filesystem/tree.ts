import { isWild, unescapeData } from '../core/pattern.ts';
import type { Name } from './directory.ts';
import { type Matcher, matcher, nameOf } from './match.ts';

/** Patterns grouped by directory, so that each directory is opened and listed once for all of them. */
export interface TreeNode {
  /** Sub-directories by name. */
  readonly named: Map<string, TreeNode>;
  /** Sub-directories by wild component. */
  readonly wild: Map<string, TreeNode>;
  /** What is to go in this directory. */
  readonly ends: Map<string, End>;
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
  const root = newNode();
  for (const pattern of patterns) {
    const directory = pattern.endsWith('/');
    const components = (directory ? pattern.slice(0, -1) : pattern).split('/');
    const last = components.pop() ?? '';
    let node = root;
    for (const component of components) node = descend(node, component);
    node.ends.set(pattern, {
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
    for (const child of [...named.values(), ...wild.values()]) nodes.push(child);
  return nodes.flatMap(({ ends }) => [...ends.keys()]);
}

function descend(node: TreeNode, component: string): TreeNode {
  const [children, name] = isWild(component) ? [node.wild, component] : [node.named, unescapeData(component)];
  const known = children.get(name);
  if (known) return known;
  const made = newNode();
  children.set(name, made);
  return made;
}

function newNode(): TreeNode {
  return { named: new Map(), wild: new Map(), ends: new Map() };
}
