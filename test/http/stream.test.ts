import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Clock } from '../../src/core/contracts.ts';
import type { Sample, Status, StatusSource } from '../../src/core/daemon-status.ts';
import { systemClock } from '../../src/daemon/system-clock.ts';
import { type HttpServer, openServer } from '../../src/http/server.ts';
import { eventually } from '../faults/eventually.ts';
import { freePort } from '../postgres/free-port.ts';

let samples: Sample[];
let statuses: number;
let filling: string;
/** How long a second takes: as soon as everything else is done, it has passed. */
let secondMs: number;
const hasty: Clock = {
  ...systemClock,
  wait: (ms, signal) => wait(ms === 1_000 ? secondMs : ms, undefined, { signal }),
};
const watched: StatusSource = {
  metrics: async () => ({ contentType: '', text: '' }),
  async status() {
    statuses += 1;
    return { version: String(statuses), filling } as Partial<Status> as Status;
  },
  history: (after) => samples.filter(({ at }) => at > after),
};

let server: HttpServer;
let port: number;
let open: IncomingMessage[];
beforeEach(async () => {
  samples = [1, 2].map((at) => ({ at, backlog: 0, files: 0, handlers: {} }));
  statuses = 0;
  secondMs = 1;
  filling = '';
  open = [];
  port = await freePort();
  const served = new Promise<void>((resolve) => {
    server = openServer({ watched, observe: () => resolve(), clock: hasty });
  });
  await server.listenAt({ host: '127.0.0.1', port });
  await served;
});
afterEach(async () => {
  for (const response of open) response.destroy();
  await server.close();
});

async function connect(): Promise<IncomingMessage> {
  const asked = get({ host: '127.0.0.1', port, path: '/events', agent: false });
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  open.push(response);
  return response;
}

async function* read(response: IncomingMessage): AsyncGenerator<{ event: string; data: unknown }> {
  let text = '';
  for await (const data of response.setEncoding('utf8')) {
    text += data;
    const messages = text.split('\n\n');
    text = messages.pop() ?? '';
    for (const message of messages) {
      const [, event, body] = /^event: (\w+)\ndata: (.*)$/.exec(message) ?? [];
      if (event && body) yield { event, data: JSON.parse(body) };
    }
  }
}

it('sends the whole hour first, and each sample once; the status again and again', async () => {
  const seen: unknown[] = [];
  let told = 0;
  let toldAfter = 0;
  for await (const { event, data } of read(await connect())) {
    if (event === 'samples') seen.push(...(data as Sample[]).map(({ at }) => at));
    else if (++told === 3) samples.push({ at: 3, backlog: 0, files: 0, handlers: {} });
    // Several messages may arrive at once: those that were sent before the new sample do not count.
    else if (seen.includes(3) && ++toldAfter === 3) break;
  }
  expect(seen).toEqual([1, 2, 3]);
});

it('asks nobody while no page is open', async () => {
  const response = await connect();
  const messages = read(response);
  await messages.next();
  response.destroy();
  let before = -1;
  await eventually(
    'quiet',
    async () => {
      const quiet = before === statuses;
      before = statuses;
      return quiet || undefined;
    },
    async () => `${statuses} questions`,
  );
  // The next client starts it again.
  const next = await read(await connect()).next();
  expect(next.value.event).toBe('samples');
});

it('turns the fifty-first page away', async () => {
  for (let n = 0; n < 50; n++) expect((await connect()).statusCode).toBe(200);
  expect((await connect()).statusCode).toBe(503);
});

it('keeps little for a page that does not read', async () => {
  filling = 'x'.repeat(100_000);
  const reader = read(await connect());
  const sleeper = await connect();
  sleeper.pause();
  // Well within the time after which a page that reads nothing is ended.
  for (let n = 0; n < 400; n++) await reader.next();
  const told = statuses;
  let kept = 0;
  for await (const { event, data } of read(sleeper)) {
    if (event === 'status' && Number((data as Status).version) > told) break;
    kept += 1;
  }
  // The rest of the 400, of 100 kB each, was never sent. The system itself buffers a few megabytes.
  expect(kept).toBeLessThan(200);
});

it('ends pages that read nothing for long, so that others get in', { timeout: 200_000 }, async () => {
  filling = 'x'.repeat(1_000_000);
  // Each status is a megabyte: to make one all the time would leave a busy machine no time for the pages.
  secondMs = 100;
  for (let n = 0; n < 50; n++) (await connect()).pause();
  await eventually(
    'room',
    async () => {
      const response = await connect();
      response.destroy();
      return response.statusCode === 200 || undefined;
    },
    async () => 'still full',
    100_000,
  );
});

it('continues even if one sample could not be taken', async () => {
  const sound = watched.status;
  const messages = read(await connect());
  await messages.next();
  watched.status = async () => {
    statuses += 1;
    throw new Error('no');
  };
  const failed = statuses;
  await eventually(
    'a failure',
    async () => statuses > failed || undefined,
    async () => '',
  );
  watched.status = sound;
  const before = statuses;
  for await (const { event, data } of messages) {
    if (event === 'status' && Number((data as Status).version) > before) break;
  }
});

it('ends all pages when it closes', async () => {
  const response = await connect();
  response.resume();
  const ended = new Promise((resolve) => response.once('close', resolve));
  await server.close();
  await ended;
});
