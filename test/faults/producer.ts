import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import type { Connection } from '../postgres/connection.ts';
import type { Site } from '../site.ts';

/** Where a producer writes pages and commits changes. */
interface Place {
  readonly site: Site;
  readonly database: { readonly config: Connection };
}

/**
 * Commits changes all the time, even through outages of the server, and records which pages the committed
 * changes named.
 */
export class Producer {
  /** Named by a committed entry, so the page must be deleted. */
  readonly committed: string[] = [];
  /** The commit's answer was lost, so the page may or may not be deleted. */
  readonly undecided: string[] = [];
  readonly #place: Place;
  readonly #name: string;
  readonly #stopped = new AbortController();
  readonly #working: Promise<void>;

  constructor(place: Place, name: string) {
    this.#place = place;
    this.#name = name;
    this.#working = this.#work();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#working;
  }

  stale(): string[] {
    return this.committed.filter((page) => existsSync(join(this.#place.site.root, page)));
  }

  async #work(): Promise<void> {
    for (let n = 1; !this.#stopped.signal.aborted; ) {
      const client = new Client(this.#place.database.config);
      client.on('error', () => {});
      try {
        await client.connect();
        while (!this.#stopped.signal.aborted) {
          await this.#change(client, `${this.#name}-${n++}`);
          await this.#breathe();
        }
      } catch {
        // An expected error: the test kills the server.
        await this.#breathe();
      } finally {
        await client.end().catch(() => {});
      }
    }
  }

  async #change(client: Client, port: string): Promise<void> {
    const page = `ports/www/${port}/Detail.html`;
    this.#place.site.write([page]);
    this.undecided.push(page);
    await client.query(
      `WITH entry AS (INSERT INTO cache_clearing_ports (category, port) VALUES ('www', $1))
       SELECT pg_notify('port_updated', '')`,
      [port],
    );
    this.undecided.pop();
    this.committed.push(page);
  }

  /** A producer without pauses would take a whole core. */
  async #breathe(): Promise<void> {
    await wait(50, undefined, { signal: this.#stopped.signal }).catch(() => {});
  }
}
