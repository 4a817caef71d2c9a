import type { Setting } from './load.ts';
import { type LoadProcess, startLoad } from './load-process.ts';
import type { Node } from './node.ts';
import type { Options } from './options.ts';
import type { Report } from './report.ts';
import type { World } from './world.ts';

type Script = 'producer' | 'writer' | 'reader';

/** Producers for all nodes, and the web servers of each: fewer, if they are many. */
function members(nodes: readonly Node[]): { script: Script; node: Node | undefined }[] {
  const servers =
    nodes.length === 1 ? (['writer', 'writer', 'reader'] as const) : (['writer', 'reader'] as const);
  return [
    { script: 'producer', node: undefined },
    { script: 'producer', node: undefined },
    ...nodes.flatMap((node) => servers.map((script) => ({ script, node }))),
  ];
}

interface Member {
  readonly script: Script;
  readonly name: string;
  /** Undefined: it changes data, for all of them. */
  readonly node: Node | undefined;
  process: LoadProcess;
}

/** All load processes. */
export class Company {
  readonly #start: (member: Omit<Member, 'process'>) => LoadProcess;
  readonly #processes: Member[];
  #started = 0;
  #resting = false;
  #killing: Promise<void> = Promise.resolve();
  /** Marks of killed processes. Only these may leave temps behind. */
  readonly killed = new Set<string>();
  readonly #marks = new Map<LoadProcess, string>();

  constructor(world: World, { seed, settleMs, restMs = 0 }: Options, report: Report) {
    const { connection, nodes, trace } = world;
    this.#start = ({ script, name, node }) => {
      this.#started += 1;
      const mark = this.#started.toString(16).padStart(4, '0');
      const setting: Setting = {
        seed,
        name,
        mark,
        connection,
        root: node?.root ?? '',
        settleMs,
        restMs,
        trace,
      };
      const process = startLoad(script, setting, report);
      this.#marks.set(process, mark);
      return process;
    };
    this.#processes = members(nodes).map(({ script, node }, n) => {
      const member = { script, node, name: `${script} ${n + 1}${node ? ` of ${node.name}` : ''}` };
      return { ...member, process: this.#start(member) };
    });
  }

  go(): void {
    this.#resting = false;
    for (const { process } of this.#processes) process.go();
  }

  /** Resolves when all processes of this script have finished their current turns. */
  async pause(script: Script): Promise<void> {
    this.#resting = true;
    await this.#killing;
    const those = this.#processes.filter((child) => child.script === script);
    await Promise.all(those.map(({ process }) => process.pause()));
  }

  /**
   * Kills a process that chance picks, and starts it again with its work. Kills none while the processes
   * pause. Returns the killed process's script.
   */
  async kill(chance: number): Promise<Script | undefined> {
    const one = this.#processes[Math.floor(chance * this.#processes.length)];
    if (!one || this.#resting) return undefined;
    this.killed.add(this.#marks.get(one.process) ?? '');
    this.#killing = one.process.kill();
    await this.#killing;
    one.process = this.#start(one);
    one.process.go();
    return one.script;
  }

  async end(): Promise<void> {
    await Promise.all(this.#processes.map(({ process }) => process.kill()));
  }
}
