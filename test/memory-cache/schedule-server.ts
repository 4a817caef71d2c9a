import type { Source } from '../../src/memory-cache/notification-source.ts';

/** A notification on its way, with what was committed by then. */
interface Sent {
  readonly deliver: () => void;
  readonly version: number;
}

/**
 * PostgreSQL for a schedule: one channel, notifications in the order of commits, and a session that listens. What
 * it is asked happens when the schedule says so.
 */
export class ScheduleServer {
  version = 0;
  /** All up to this version has been heard, or wiped. */
  handled = 0;
  #wire: Sent[] = [];
  #listening:
    | { notify: (channel: string, payload: string) => void; lose: (error: Error) => void }
    | undefined;
  /** A LISTEN that was sent; committed; and, once it is, answered. */
  #asked: (() => void) | undefined;
  #answer: (() => void) | undefined;

  /** What may happen next. */
  get actions(): string[] {
    return [
      ...(this.#wire.length > 0 && !this.#answer ? ['deliver'] : []),
      ...(this.#asked ? ['LISTEN'] : []),
      ...(this.#answer ? ['answer'] : []),
    ];
  }

  get isListening(): boolean {
    return this.#listening !== undefined && !this.#answer;
  }

  readonly source: Source = {
    listen: (_channels, notify) =>
      new Promise((resolve) => {
        this.#asked = () => {
          const from = this.version;
          let lose = (_error: Error) => {};
          const lost = new Promise<Error>((reason) => {
            lose = reason;
          });
          const own = { notify, lose };
          this.#listening = own;
          this.#answer = () => {
            this.handled = Math.max(this.handled, from);
            resolve({
              lost,
              heartbeat: () =>
                new Promise((heard) => {
                  if (this.#listening === own) this.#send(heard);
                }),
              close: () => {},
            });
          };
        };
      }),
    end: async () => {},
  };

  commit(payload: string): void {
    this.version += 1;
    if (this.#listening) this.#send(() => this.#listening?.notify('c', payload));
  }

  act(action: string): void {
    if (action === 'deliver') {
      const sent = this.#wire.shift();
      this.handled = Math.max(this.handled, sent?.version ?? 0);
      sent?.deliver();
    } else if (action === 'LISTEN') {
      this.#asked?.();
      this.#asked = undefined;
    } else if (action === 'answer') {
      this.#answer?.();
      this.#answer = undefined;
    } else if (action === 'lose') {
      this.#listening?.lose(new Error('lost'));
      this.#listening = undefined;
      this.#wire = [];
    }
  }

  #send(deliver: () => void): void {
    this.#wire.push({ deliver, version: this.version });
  }
}
