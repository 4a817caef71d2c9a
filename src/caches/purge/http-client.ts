import {
  type ClientRequest,
  Agent as HttpAgent,
  type IncomingMessage,
  request as requestHttp,
} from 'node:http';
import { Agent as HttpsAgent, request as requestHttps } from 'node:https';
import { formatDuration } from '../../core/duration.ts';
import { errorCode } from '../../core/errors.ts';
import type { Answer } from './answer.ts';
import type { PurgeRequest } from './request-template.ts';
import type { TargetAddress } from './target-address.ts';

interface ClientOptions {
  readonly connections: number;
  /** For the whole request. */
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
  const agent = tls
    ? new HttpsAgent({ ...pool, ...(authorities && { ca: authorities }), rejectUnauthorized: true })
    : new HttpAgent(pool);
  const where = { agent, ...tcp, ...(socketPath !== undefined && { socketPath }) };

  const start = ({ method, path, headers }: PurgeRequest): ClientRequest =>
    (tls ? requestHttps : requestHttp)({ ...where, method, path, headers });

  return async (request) => {
    const until = performance.now() + timeoutMs;
    const first = start(request);
    try {
      return await answerTo(first, { body: request.body, timeoutMs, until });
    } catch (error) {
      // The server has just closed a connection that was idle, and did not read the request.
      const wasIdle = first.reusedSocket && /^(ECONNRESET|EPIPE)$/.test(errorCode(error) ?? '');
      if (!wasIdle) throw error;
      return await answerTo(start(request), { body: request.body, timeoutMs, until });
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
