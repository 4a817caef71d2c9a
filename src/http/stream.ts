import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Clock } from '../core/contracts.ts';
import type { Moment, Watched } from '../core/status.ts';

const everyMs = 1_000;

/** Whoever has not read so much is sent nothing more until it has. */
const mostUnread = 1 << 20;

const mostStreams = 50;

interface Stream {
  readonly response: ServerResponse;
  /** Moments up to this time have been sent. */
  sentUntil: number;
}

/** Server-sent events for the status pages that are open: `moments`, the new ones, and `status`, every second. */
export class Streams {
  readonly #open = new Set<Stream>();
  readonly #watched: Watched;
  readonly #clock: Clock;
  readonly #closed = new AbortController();
  #telling = false;

  constructor(watched: Watched, clock: Clock) {
    this.#watched = watched;
    this.#clock = clock;
  }

  add(request: IncomingMessage, response: ServerResponse, headers: OutgoingHttpHeaders): void {
    if (this.#open.size >= mostStreams || this.#closed.signal.aborted) {
      response.writeHead(503, headers).end('too many status pages are open\n');
      return;
    }
    // X-Accel-Buffering: nginx would hold everything back until it has a page full.
    response.writeHead(200, {
      ...headers,
      'Content-Type': 'text/event-stream; charset=utf-8',
      'X-Accel-Buffering': 'no',
    });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    response.write('retry: 1000\n\n');
    const stream = { response, sentUntil: 0 };
    this.#open.add(stream);
    response.on('close', () => this.#open.delete(stream));
    // A proxy or a browser that is gone: the close that follows is enough.
    response.on('error', () => {});
    this.#tell([stream]).catch(() => {});
    this.#keepTelling().catch(() => {});
  }

  /** Tells nobody any more; the server ends the connections. */
  close(): void {
    this.#closed.abort();
  }

  /** While anybody listens. */
  async #keepTelling(): Promise<void> {
    if (this.#telling) return;
    this.#telling = true;
    try {
      while (this.#open.size > 0 && !this.#closed.signal.aborted) {
        await this.#clock.wait(everyMs, this.#closed.signal);
        await this.#tell(this.#open);
      }
    } finally {
      this.#telling = false;
    }
  }

  async #tell(streams: Iterable<Stream>): Promise<void> {
    const status = message('status', await this.#watched.status());
    for (const stream of streams) {
      if (stream.response.writableLength > mostUnread) continue;
      const moments = this.#watched.moments(stream.sentUntil);
      const last: Moment | undefined = moments.at(-1);
      if (last) {
        stream.sentUntil = last.at;
        stream.response.write(message('moments', moments));
      }
      stream.response.write(status);
    }
  }
}

function message(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
