import type { Cleared } from '../core/contracts.ts';
import type { ClearReply, ClearRequest } from './answer.ts';
import type { Apart, StartApart } from './apart.ts';

/** Clears one part after the other, apart from the daemon, and is there again after it died. */
export class Hand {
  readonly #root: string;
  readonly #start: StartApart;
  #apart: Apart | undefined;
  #asked: { since: number; answer: (reply: ClearReply) => void } | undefined;

  constructor(root: string, start: StartApart) {
    this.#root = root;
    this.#start = start;
  }

  start(): Apart {
    this.#apart ??= this.#started();
    return this.#apart;
  }

  /** For how long what it was asked has had no answer. */
  get waitingMs(): number {
    return this.#asked ? performance.now() - this.#asked.since : 0;
  }

  /** One part at a time. */
  clear(request: ClearRequest): Promise<Cleared> {
    return new Promise((resolve, reject) => {
      this.#asked = {
        since: performance.now(),
        answer: ({ cleared, error }) => (cleared ? resolve(cleared) : reject(error)),
      };
      this.start().post(request);
    });
  }

  async close(): Promise<void> {
    await this.#apart?.end();
  }

  #started(): Apart {
    // One that has ended may say so more than once, and late: what was asked by then was asked of its successor.
    const apart = this.#start(this.#root, {
      reply: (reply) => {
        if (this.#apart === apart) this.#answer(reply);
      },
      // Nothing is lost: the journal still has it, and the next part starts another.
      ended: (error) => {
        if (this.#apart !== apart) return;
        this.#apart = undefined;
        this.#answer({ error });
      },
    });
    return apart;
  }

  #answer(reply: ClearReply): void {
    const asked = this.#asked;
    this.#asked = undefined;
    asked?.answer(reply);
  }
}
