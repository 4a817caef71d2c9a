/** One message of PostgreSQL's protocol as sent. Over TLS: one record, which cannot be read here. */
export interface Message {
  /**
   * The type byte. Empty for the start-up packet, `tls` for the server's answer to a request for TLS,
   * `record` over TLS.
   */
  readonly type: string;
  readonly bytes: Buffer;
}

/**
 * What a client sends before it waits for an answer: the start-up packet, a simple query, or all messages up
 * to a Sync.
 */
export interface Request {
  readonly kind: 'start-up' | 'query' | 'terminate' | 'password' | 'tls' | 'record';
  readonly bytes: Buffer;
  /** The bytes as text, to match phases against. */
  readonly text: string;
}

type Framing = 'start-up' | 'message' | 'tls' | 'record';

/** The length of the first message in a buffer. Undefined when the buffer is too short to know. */
const lengthOf: Readonly<Record<Framing, (rest: Buffer) => number | undefined>> = {
  'start-up': (rest) => (rest.length < 4 ? undefined : rest.readUInt32BE(0)),
  message: (rest) => (rest.length < 5 ? undefined : 1 + rest.readUInt32BE(1)),
  tls: () => 1,
  record: (rest) => (rest.length < 5 ? undefined : 5 + rest.readUInt16BE(3)),
};

/**
 * Splits a stream at message boundaries, so that a fault strikes between known messages. Over TLS: at record
 * boundaries.
 */
async function* framesOf(
  stream: AsyncIterable<Buffer>,
  first: () => Framing,
  next: (frame: { framing: Framing; bytes: Buffer }) => Framing,
): AsyncGenerator<{ framing: Framing; bytes: Buffer }> {
  let rest: Buffer = Buffer.alloc(0);
  let framing: Framing | undefined;
  for await (const chunk of stream) {
    rest = Buffer.concat([rest, chunk]);
    framing ??= first();
    for (;;) {
      const length = lengthOf[framing](rest);
      if (length === undefined || rest.length < length) break;
      const frame = { framing, bytes: rest.subarray(0, length) };
      yield frame;
      rest = rest.subarray(length);
      framing = next(frame);
    }
  }
}

/** The messages of a server. `overTls` is called when the first byte has arrived. */
export async function* messagesOf(
  stream: AsyncIterable<Buffer>,
  overTls: () => boolean,
): AsyncGenerator<Message> {
  const first = () => (overTls() ? 'tls' : 'message');
  const frames = framesOf(stream, first, ({ framing }) => (framing === 'message' ? 'message' : 'record'));
  for await (const { framing, bytes } of frames)
    yield { type: framing === 'message' ? bytes.toString('latin1', 0, 1) : framing, bytes };
}

const lastOfRequest: Readonly<Record<string, Request['kind']>> = {
  Q: 'query',
  S: 'query',
  X: 'terminate',
  p: 'password',
};

export async function* requestsOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Request> {
  let parts: Buffer[] = [];
  const frames = framesOf(
    stream,
    () => 'start-up',
    ({ framing, bytes }) => (framing === 'record' || asksForTls(framing, bytes) ? 'record' : 'message'),
  );
  for await (const { framing, bytes } of frames) {
    parts.push(bytes);
    const kind = kindOf(framing, bytes);
    if (kind === undefined) continue;
    const whole = Buffer.concat(parts);
    parts = [];
    yield { kind, bytes: whole, text: whole.toString('latin1') };
  }
}

/** Undefined for a message that is part of a longer request. */
function kindOf(framing: Framing, bytes: Buffer): Request['kind'] | undefined {
  if (framing === 'message') return lastOfRequest[bytes.toString('latin1', 0, 1)];
  return asksForTls(framing, bytes) ? 'tls' : framing;
}

const tlsRequestCode = 80_877_103;

function asksForTls(framing: Framing, bytes: Buffer): boolean {
  return framing === 'start-up' && bytes.length === 8 && bytes.readUInt32BE(4) === tlsRequestCode;
}

/** The client's application name, from the name and value pairs of the start-up packet. */
export function applicationOf({ text }: Request): string {
  const fields = text.slice(8).split('\0');
  return fields[fields.indexOf('application_name') + 1] ?? '';
}
