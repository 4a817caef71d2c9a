import { createHash } from 'node:crypto';
import fresh from 'fresh';
import type { GetOptions, MemoryCache, Render } from './contract.ts';

/** As node:http has them: names in lower case. */
export type RequestHeaders = Readonly<Record<string, string | string[] | undefined>>;

/** A strong ETag, in quotes: of the same bytes it is the same in every process. */
export function etagOf(body: string | Uint8Array): string {
  return `"${createHash('sha256').update(body).digest('base64url').slice(0, 27)}"`;
}

/**
 * Whether a GET or HEAD may be answered with 304: If-None-Match is `*` or lists the tag, compared as weak (RFC 9110,
 * 13.1.2), and the reader does not insist on a new answer (`Cache-Control: no-cache`).
 */
export function notModified(headers: RequestHeaders, etag: string): boolean {
  return fresh(headers, { etag });
}

/** Send the tag as ETag in both cases. */
export type Answer =
  | { readonly status: 200; readonly etag: string; readonly body: string | Uint8Array }
  | { readonly status: 304; readonly etag: string; readonly body?: undefined };

/**
 * Answers a GET or HEAD from a cache that remembers which ETag of each page is valid, and nothing of the page.
 * A reader that has it gets 304, and nothing is rendered.
 */
export async function answer(
  etags: MemoryCache<string>,
  headers: RequestHeaders,
  key: string,
  render: Render<string | Uint8Array>,
  options?: GetOptions,
): Promise<Answer> {
  const known = etags.peek(key);
  if (known !== undefined && notModified(headers, known)) return { status: 304, etag: known };
  let body: string | Uint8Array = '';
  const { value: etag } = await etags.fill(
    key,
    async (page) => {
      body = await render(page);
      return etagOf(body);
    },
    options,
  );
  return notModified(headers, etag) ? { status: 304, etag } : { status: 200, etag, body };
}
