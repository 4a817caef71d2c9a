import { Socket } from 'node:net';

/**
 * A connection that fails for a reason of our own. node-postgres asks for its socket where an error would be
 * lost, but reports what happens to the connection.
 */
export class RefusingSocket extends Socket {
  readonly #reason: Error;

  constructor(reason: Error) {
    super();
    this.#reason = reason;
  }

  override connect(): this {
    return this.destroy(this.#reason);
  }
}
