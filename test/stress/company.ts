import type { Setting } from './load.ts';
import { type LoadProcess, startLoad } from './load-process.ts';
import type { Options } from './options.ts';
import type { Report } from './report.ts';
import type { World } from './world.ts';

type Script = 'producer' | 'writer' | 'reader';

const members: readonly { script: Script; count: number }[] = [
  { script: 'producer', count: 2 },
  { script: 'writer', count: 2 },
  { script: 'reader', count: 1 },
];

/** All load processes. */
export class Company {
  readonly #start: (script: Script, name: string) => LoadProcess;
  readonly #processes: { script: Script; name: string; process: LoadProcess }[];
  #started = 0;
  #resting = false;
  #killing: Promise<void> = Promise.resolve();
  /** Marks of killed processes. Only these may leave temps behind. */
  readonly killed = new Set<string>();
  readonly #marks = new Map<LoadProcess, string>();

  constructor(world: World, { seed, settleMs }: Options, report: Report) {
    const { connection, root, trace } = world;
    this.#start = (script, name) => {
      this.#started += 1;
      const mark = this.#started.toString(16).padStart(4, '0');
      const setting: Setting = { seed, name, mark, connection, root, settleMs, trace };
      const process = startLoad(script, setting, report);
      this.#marks.set(process, mark);
      return process;
    };
    this.#processes = members.flatMap(({ script, count }) =>
      Array.from({ length: count }, (_, n) => {
        const name = `${script} ${n + 1}`;
        return { script, name, process: this.#start(script, name) };
      }),
    );
  }

  go(): void {
    this.#resting = false;
    for (const { process } of this.#processes) process.go();
  }

  /** Resolves when all processes of this script have finished their current turns. */
  async pause(script: Script): Promise<void> {
    this.#resting = true;
    await this.#killing;
    const those = this.#processes.filter((one) => one.script === script);
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
    one.process = this.#start(one.script, one.name);
    one.process.go();
    return one.script;
  }

  async end(): Promise<void> {
    await Promise.all(this.#processes.map(({ process }) => process.kill()));
  }
}
