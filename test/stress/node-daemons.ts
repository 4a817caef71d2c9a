import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../random.ts';
import type { Daemon } from './daemon.ts';
import type { Node } from './node.ts';
import type { Report } from './report.ts';

/** The daemons of one node: one is killed repeatedly, and the others stand by or are frozen. */
export class NodeDaemons {
  readonly node: Node;
  readonly #random: Random;
  readonly #report: Report;
  #main: Daemon | undefined;
  readonly #beside: Daemon[] = [];
  #away: Promise<void> = Promise.resolve();
  #isAway = false;

  constructor(node: Node, random: Random, report: Report) {
    this.node = node;
    this.#random = random;
    this.#report = report;
  }

  get living(): number {
    return this.#beside.length + (this.#main ? 1 : 0);
  }

  /** The one that works, if no other was started. */
  get main(): Daemon | undefined {
    return this.#main;
  }

  /** It does nothing for longer than others wait for it. */
  get isAway(): boolean {
    return this.#isAway;
  }

  start(): void {
    this.#main ??= this.node.startDaemon(this.#random);
  }

  /** Returns whether it was still starting. */
  async kill(): Promise<boolean> {
    const starting = this.#main?.listened() === false;
    await this.#main?.kill();
    this.#main = undefined;
    return starting;
  }

  /** As a restart of the service does it. */
  async restart(): Promise<void> {
    await this.#main?.stop();
    this.#main = undefined;
    this.start();
  }

  /**
   * Another daemon takes its place. The first one keeps running next to it, or is frozen and continues later in the
   * middle of its work.
   */
  startBeside(): void {
    const daemon = this.#main;
    if (!daemon) return;
    this.#main = undefined;
    this.start();
    this.#beside.push(daemon);
    this.#report.figures.count('daemons beside');
    if (this.#random.chance(0.3)) return;
    daemon.freeze();
    this.#report.figures.count('daemons frozen');
  }

  /** Usually leaves two of them. Some are thawed and run for a while first. */
  async killBeside(): Promise<void> {
    for (const daemon of [...this.#beside]) {
      if (this.#random.chance(0.3)) daemon.thaw();
      if (this.#beside.length <= 2 && this.#random.chance(0.8)) continue;
      await daemon.kill();
      this.#beside.splice(this.#beside.indexOf(daemon), 1);
    }
  }

  /** For so long, or until the signal aborts, all of them are frozen, or none is there. */
  goAway(ms: number, how: 'frozen' | 'gone', signal: AbortSignal): void {
    this.#isAway = true;
    this.#away = this.#stayAway(ms, how, signal).finally(() => {
      this.#isAway = false;
    });
  }

  async #stayAway(ms: number, how: 'frozen' | 'gone', signal: AbortSignal): Promise<void> {
    const frozen = [...this.#beside, ...(this.#main ? [this.#main] : [])];
    if (how === 'frozen') for (const daemon of frozen) daemon.freeze();
    else await this.end();
    await wait(ms, undefined, { signal }).catch(() => {});
    if (how === 'frozen') for (const daemon of frozen) daemon.thaw();
    else this.start();
  }

  /** Resolves when one works and none is frozen. */
  async rest(): Promise<void> {
    await this.#away;
    this.start();
    for (const daemon of this.#beside) daemon.thaw();
  }

  async end(): Promise<void> {
    await Promise.all([...this.#beside, this.#main].map((daemon) => daemon?.kill()));
    this.#beside.splice(0);
    this.#main = undefined;
  }
}
