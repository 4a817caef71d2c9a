import { execFileSync } from 'node:child_process';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { seeded } from '../random.ts';
import type { Node } from './node.ts';
import type { NodeDaemons } from './node-daemons.ts';
import type { Options } from './options.ts';
import type { Report } from './report.ts';
import type { World } from './world.ts';

/** Who has the daemons of each node. */
interface Daemons {
  of(node: Node): NodeDaemons;
}

interface Copy {
  readonly of: Node;
  readonly path: string;
}

/**
 * Puts another root in the place of a node's, while its load pauses: an empty one, or a copy of what another node
 * had at the quiet point before, which has old pages and the marker of that node.
 */
export class Swapper {
  readonly #nodes: readonly Node[];
  readonly #folder: string;
  readonly #report: Report;
  readonly #random;
  #copy: Copy | undefined;

  constructor({ nodes, folder }: Pick<World, 'nodes' | 'folder'>, { seed }: Options, report: Report) {
    this.#nodes = nodes;
    this.#folder = folder;
    this.#report = report;
    this.#random = seeded(`${seed} swapper`);
  }

  async swap(killer: Daemons): Promise<void> {
    const node = this.#random.pick(this.#nodes);
    // Before: a root that is replaced has the pages and the marker of another node, until its daemon notices.
    const next = this.#copyOf(this.#random.pick(this.#nodes));
    if (this.#random.chance(0.5)) await this.#replace(node, killer);
    if (this.#copy) rmSync(this.#copy.path, { recursive: true });
    this.#copy = next;
  }

  async #replace(node: Node, killer: Daemons): Promise<void> {
    const daemons = killer.of(node);
    const running = this.#random.chance(0.5);
    const copied = this.#copy !== undefined && this.#copy.of !== node;
    if (!running) await daemons.end();
    if (copied) this.#putCopy(node);
    else for (const name of await readdir(node.root)) await rm(join(node.root, name), { recursive: true });
    node.canaries.renew();
    if (!running) daemons.start();
    this.#report.figures.count(
      `roots ${copied ? 'replaced by a copy' : 'emptied'}${running ? ', running' : ''}`,
    );
  }

  /** The copy is made next to it, so that the root is missing only for a moment. */
  #putCopy({ root }: Node): void {
    if (!this.#copy) return;
    const [next, former] = [`${root}.next`, `${root}.former`];
    execFileSync('cp', ['-a', this.#copy.path, next]);
    renameSync(root, former);
    renameSync(next, root);
    rmSync(former, { recursive: true });
  }

  #copyOf(of: Node): Copy {
    const path = mkdtempSync(join(this.#folder, 'copy-'));
    execFileSync('cp', ['-a', `${of.root}/.`, path]);
    return { of, path };
  }
}
