import type { ClientRequest, IncomingMessage } from 'node:http';
import { formatDuration } from '../../core/duration.ts';
import { errorCode } from '../../core/errors.ts';
import type { Answer } from './answer.ts';
import type { PurgeRequest } from './request-template.ts';
import type { TargetAddress } from './target-address.ts';

interface ClientOptions {
  readonly connections: number;
  /** For the whole request, with its wait for a connection: no more at once should be sent than there are. */
  readonly timeoutMs: number;
  /** The certificates of the authorities to trust, instead of the system's. */
  readonly authorities?: Buffer | undefined;
}

/** Rejects with an Error if there is no whole answer in time. */
export type Send = (request: PurgeRequest) => Promise<Answer>;

/** More of an answer is not read. */
const maxBody = 65_536;

/**
 * Connections to one target, kept open. Redirects are not followed, HTTP_PROXY is ignored, and certificates
 * are always verified.
 */
export function openClient(
  { tls, tcp, socketPath }: TargetAddress,
  { connections, timeoutMs, authorities }: ClientOptions,
): Send {
  const pool = { keepAlive: true, maxSockets: connections };
  let loaded: ReturnType<typeof load> | undefined;

  // By the first request: commands that send none start without the HTTP library.
  async function load() {
    if (tls) {
      const { Agent, request } = await import('node:https');
      const trust = { ...(authorities && { ca: authorities }), rejectUnauthorized: true };
      return { request, agent: new Agent({ ...pool, ...trust }) };
    }
    const { Agent, request } = await import('node:http');
    return { request, agent: new Agent(pool) };
  }

  async function start({ method, path, headers }: PurgeRequest): Promise<{ started: ClientRequest }> {
    loaded ??= load();
    const { request, agent } = await loaded;
    const where = { agent, ...tcp, ...(socketPath !== undefined && { socketPath }) };
    return { started: request({ ...where, method, path, headers }) };
  }

  return async (request) => {
    const { started: first } = await start(request);
    const until = performance.now() + timeoutMs;
    try {
      return await answerTo(first, { body: request.body, timeoutMs, until });
    } catch (error) {
      // The server has just closed a connection that was idle, and did not read the request.
      const wasIdle = first.reusedSocket && /^(ECONNRESET|EPIPE)$/.test(errorCode(error) ?? '');
      if (!wasIdle) throw error;
      const { started } = await start(request);
      return await answerTo(started, { body: request.body, timeoutMs, until });
    }
  };
}

/** One timer for the whole request: an idle time-out would never expire while a server sends a byte now and then. */
function answerTo(
  request: ClientRequest,
  { body, timeoutMs, until }: { body: string | undefined; timeoutMs: number; until: number },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => request.destroy(new Error(`no answer within ${formatDuration(timeoutMs)}`)),
      until - performance.now(),
    );
    const fail = (error: Error) => {
      clearTimeout(timer);
      reject(error);
    };
    request.on('error', fail);
    request.on('response', (response) => {
      const { statusCode: status = 0, statusMessage: reason = '' } = response;
      readBody(response, (body) => {
        clearTimeout(timer);
        resolve({
          status,
          reason,
          body,
          // Node parses them when somebody asks, and mostly nobody does.
          get headers() {
            return response.headers;
          },
        });
      });
      response.on('error', fail);
      response.on('close', () => {
        if (!response.complete) fail(new Error('the connection ended in the middle of the answer'));
      });
    });
    request.end(body);
  });
}

/** Up to the limit: what exceeds it is not waited for. */
function readBody(response: IncomingMessage, done: (body: string) => void): void {
  const chunks: Buffer[] = [];
  let length = 0;
  const end = () => done(Buffer.concat(chunks).subarray(0, maxBody).toString());
  response.on('data', (chunk: Buffer) => {
    chunks.push(chunk);
    length += chunk.length;
    if (length < maxBody) return;
    end();
    response.destroy();
  });
  response.on('end', end);
}
