import type { IncomingMessage, OutgoingHttpHeaders, ServerResponse } from 'node:http';
import type { Clock } from '../core/contracts.ts';
import type { Sample, StatusSource } from '../core/daemon-status.ts';

/**
 * A client with more than this unread is skipped until it catches up; its connection ends if that takes long
 * (server.ts).
 */
const mostUnread = 1 << 18;

const mostStreams = 50;

interface Stream {
  readonly response: ServerResponse;
  /** Samples up to this time have been sent. */
  sentUntil: number;
}

/** Server-sent events for the open status pages: `samples`, the new ones, and `status`, every second. */
export class Streams {
  readonly #open = new Set<Stream>();
  readonly #watched: StatusSource;
  readonly #clock: Clock;
  readonly #everyMs: number;
  readonly #closed = new AbortController();
  #sending = false;

  constructor(watched: StatusSource, clock: Clock, everyMs: number) {
    this.#everyMs = everyMs;
    this.#watched = watched;
    this.#clock = clock;
  }

  add(request: IncomingMessage, response: ServerResponse, headers: OutgoingHttpHeaders): void {
    if (this.#open.size >= mostStreams || this.#closed.signal.aborted) {
      response.writeHead(503, { ...headers, Connection: 'close' }).end('too many status pages are open\n');
      return;
    }
    // X-Accel-Buffering: otherwise nginx would hold everything back until its buffer is full.
    response.writeHead(200, {
      ...headers,
      'Content-Type': 'text/event-stream; charset=utf-8',
      'X-Accel-Buffering': 'no',
    });
    if (request.method === 'HEAD') {
      response.end();
      return;
    }
    response.write(`retry: ${this.#everyMs}\n\n`);
    const stream = { response, sentUntil: 0 };
    this.#open.add(stream);
    response.on('close', () => this.#open.delete(stream));
    // A proxy or a browser that is gone: the close event that follows is enough.
    response.on('error', () => {});
    this.#send([stream]).catch(() => {});
    this.#keepSending().catch(() => {});
  }

  /** Sends nothing any more; the server ends the connections. */
  close(): void {
    this.#closed.abort();
  }

  /** While any client is connected. */
  async #keepSending(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    try {
      while (this.#open.size > 0 && !this.#closed.signal.aborted) {
        await this.#clock.wait(this.#everyMs, this.#closed.signal);
        await this.#send(this.#open).catch(() => {});
      }
    } finally {
      this.#sending = false;
    }
  }

  async #send(streams: Iterable<Stream>): Promise<void> {
    const status = message('status', await this.#watched.status());
    for (const stream of streams) {
      if (stream.response.writableLength > mostUnread) continue;
      const samples = this.#watched.history(stream.sentUntil);
      const last: Sample | undefined = samples.at(-1);
      if (last) {
        stream.sentUntil = last.at;
        stream.response.write(message('samples', samples));
      }
      stream.response.write(status);
    }
  }
}

function message(event: string, data: unknown): string {
  return `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
}
