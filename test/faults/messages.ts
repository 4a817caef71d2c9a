/** One message of PostgreSQL's protocol, as it stands on the wire. The start-up packet has no type. */
export interface Message {
  readonly type: string;
  readonly bytes: Buffer;
}

/** What a client sends before it waits for an answer: the start-up packet, a simple query, or everything up to a Sync. */
export interface Request {
  readonly kind: 'start-up' | 'query' | 'terminate' | 'password';
  readonly bytes: Buffer;
  /** The bytes as text, to match phases against. */
  readonly text: string;
}

/** Cuts a stream at message boundaries, so that a fault strikes between messages and knows which. No TLS. */
export async function* messagesOf(
  stream: AsyncIterable<Buffer>,
  { startUp = false } = {},
): AsyncGenerator<Message> {
  let rest: Buffer = Buffer.alloc(0);
  let typed = !startUp;
  for await (const chunk of stream) {
    rest = Buffer.concat([rest, chunk]);
    for (;;) {
      const head = typed ? 1 : 0;
      if (rest.length < head + 4) break;
      const length = head + rest.readUInt32BE(head);
      if (rest.length < length) break;
      yield { type: typed ? rest.toString('latin1', 0, 1) : '', bytes: rest.subarray(0, length) };
      rest = rest.subarray(length);
      typed = true;
    }
  }
}

const lastOfRequest: Readonly<Record<string, Request['kind']>> = {
  '': 'start-up',
  Q: 'query',
  S: 'query',
  X: 'terminate',
  p: 'password',
};

export async function* requestsOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Request> {
  let parts: Buffer[] = [];
  for await (const { type, bytes } of messagesOf(stream, { startUp: true })) {
    parts.push(bytes);
    const kind = lastOfRequest[type];
    if (kind === undefined) continue;
    const whole = Buffer.concat(parts);
    parts = [];
    yield { kind, bytes: whole, text: whole.toString('latin1') };
  }
}

/** Who connects, by the name and value pairs of the start-up packet. */
export function applicationOf({ text }: Request): string {
  const fields = text.slice(8).split('\0');
  return fields[fields.indexOf('application_name') + 1] ?? '';
}
