import { printable } from '../../core/printable-text.ts';

export interface Answer {
  readonly status: number;
  /** The words behind the status. */
  readonly reason: string;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** Its beginning. */
  readonly body: string;
}

/**
 * What an answer means. `acknowledged`: it is gone. `down`: the target does not purge at all. `rejected`: it does
 * not take this one. `throttled`: it asks to wait. `failed`: another attempt may succeed.
 */
export type Verdict =
  | Final
  | { readonly kind: 'down' | 'failed'; readonly why: string }
  | { readonly kind: 'throttled'; readonly why: string; readonly waitMs: number | undefined };

/** The target has spoken about this one request. */
export type Final = { readonly kind: 'acknowledged' } | { readonly kind: 'rejected'; readonly why: string };

export type Expect = (answer: Answer) => boolean;

/** Parses `STATUS`, `STATUS-STATUS`, either with a regular expression. Throws an Error that completes "expect = …". */
export function parseExpect(text: string): Expect {
  const [, first, last = first, source] = /^(\d{3})(?:-(\d{3}))?(?: +(.+))?$/.exec(text) ?? [];
  if (first === undefined)
    throw new Error(
      'must be a status such as 200 or 200-204, with or without a regular expression behind it',
    );
  const found = source === undefined ? undefined : new RegExp(source);
  return ({ status, reason, body }) =>
    status >= Number(first) &&
    status <= Number(last) &&
    (found === undefined || found.test(reason) || found.test(body));
}

/** A status alone proves little: an origin that gets the PURGE answers 200, too. */
const anySuccess: Expect = ({ status }) => status >= 200 && status <= 299;

interface JudgeParts {
  readonly expect: readonly Expect[];
  /** Of the request, for the advice. */
  readonly method: string;
  /** Leaves out of the target's words what must not be shown; before they are clipped, or half of it would be. */
  readonly hide?: (text: string) => string;
}

export function judge(answer: Answer, { expect, method, hide = (text) => text }: JudgeParts): Verdict {
  const { status } = answer;
  const accepts = expect.length > 0 ? expect : [anySuccess];
  if (accepts.some((one) => one(answer))) return { kind: 'acknowledged' };
  const said = `answers ${sayAnswer(answer, hide)}`;
  if (status >= 200 && status <= 299)
    return { kind: 'down', why: `${said}, and not what "expect" asks for: ${method} may reach the origin` };
  if (status >= 300 && status <= 399)
    return { kind: 'down', why: `${said} and leads to ${place(answer, hide)}: redirects are not followed` };
  if (status === 404 || status === 405 || status === 501)
    return { kind: 'down', why: `${said}: it does not know ${method} there` };
  if (status === 401 || status === 403 || status === 407)
    return { kind: 'down', why: `${said}: it does not let this machine purge` };
  if (status === 429 || (status === 503 && answer.headers['retry-after'] !== undefined))
    return { kind: 'throttled', why: said, waitMs: retryAfterMs(answer) };
  if (status >= 400 && status <= 499) return { kind: 'rejected', why: said };
  return { kind: 'failed', why: said };
}

type Hide = NonNullable<JudgeParts['hide']>;

function sayAnswer({ status, reason, body }: Answer, hide: Hide): string {
  const words = hide(body.trim());
  return `${status} ${printable(hide(reason))}${words === '' ? '' : ` (${printable(words.slice(0, 200))})`}`.trim();
}

function place({ headers }: Answer, hide: Hide): string {
  return printable(hide(String(headers.location ?? 'another place')).slice(0, 200));
}

const shortestWaitMs = 1_000;
const longestWaitMs = 3_600_000;

/**
 * Seconds or a date; at most an hour. Less than a second counts as no time at all: the clock of the target may be
 * behind, and requests without a pause would do harm.
 */
function retryAfterMs({ headers }: Answer): number | undefined {
  const text = String(headers['retry-after'] ?? '');
  const ms = /^\d+$/.test(text) ? Number(text) * 1_000 : Date.parse(text) - Date.now();
  return ms >= shortestWaitMs ? Math.min(ms, longestWaitMs) : undefined;
}
