import { type FilledText, kindsOf, parseFilled, type Subject, singleOf } from './placeholders.ts';

/** A request to a target: everything but where it goes. */
export interface PurgeRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface RequestTemplate {
  /** Which lines of the handlers it is for. */
  readonly takes: 'url' | 'tag';
  readonly method: string;
  /** The placeholder that keeps it from naming several works in one request. */
  readonly single: string | undefined;
  /** How many works are in one request if nobody says it. */
  readonly usualBatch: number;
  fill(subject: Subject): PurgeRequest;
  /** How many bytes a work takes in a header or in the body at most. */
  cost(subject: Subject): number;
}

const usualBatch = 100;

/**
 * Parses `request`, such as `PURGE {url}`, `header[]`, whose secrets are filled in already, and `body`. Throws an
 * Error that names the option and says what is wrong.
 */
export function parseRequest(request: string, headers: readonly string[], json?: string): RequestTemplate {
  const [, method, target] = /^([A-Z]+) +(\S+)$/.exec(request) ?? [];
  if (method === undefined || target === undefined)
    throw new Error(`request = ${request}: must be a method and a path, such as PURGE {url}`);
  if (!/^(\/|\{url\})/.test(target))
    throw new Error(`request = ${request}: the path must begin with "/" or be {url}`);
  const path = parseFilled(target, 'path');
  const pairs = headers
    .map(parseHeader)
    .map(([name, value]) => [name, parseFilled(value, 'header')] as const);
  const body = json === undefined ? undefined : parseBody(json);
  const texts = [path, ...pairs.map(([, value]) => value), ...(body ? [body] : [])];
  const names = texts.flatMap((text) => text.names);
  const [takes, ...others] = kindsOf(names);
  if (takes === undefined)
    throw new Error(`request = ${request}: names neither {url} nor {tag}, so it would purge nothing`);
  if (others.length > 0) throw new Error(`request = ${request}: urls and tags need a section each`);
  const single = singleOf(names);
  return {
    takes,
    method,
    single,
    usualBatch: single === undefined && !names.includes('url:regex') ? usualBatch : 1,
    fill(subject) {
      const own = Object.fromEntries(pairs.map(([name, value]) => [name, value.fill(subject)]));
      return toRequest({ method, path: path.fill(subject), ...subject }, own, body?.fill(subject));
    },
    cost: (subject) => texts.reduce((most, text) => Math.max(most, text.cost(subject)), 0),
  };
}

/** By site: there are few, and each is in many requests. */
const hosts = new Map<string, string>();

function hostOf(site: string): string {
  const host = hosts.get(site) ?? new URL(site).host;
  hosts.set(site, host);
  return host;
}

/** @param headers go before those that are set here, but for the length */
function toRequest(
  { method, path, site }: { method: string; path: string; site?: string | undefined },
  headers: Readonly<Record<string, string>>,
  body?: string,
): PurgeRequest {
  return {
    method,
    path,
    headers: {
      ...(site !== undefined && { host: hostOf(site) }),
      ...(body !== undefined && { 'content-type': 'application/json' }),
      ...headers,
      // Node does not say it for every method.
      ...(body !== undefined && { 'content-length': String(Buffer.byteLength(body)) }),
    },
    ...(body !== undefined && { body }),
  };
}

/** Values, too, are JSON: a placeholder that stood in a string would end it. */
function parseBody(json: string): FilledText {
  const body = parseFilled(json, 'body');
  try {
    JSON.parse(body.fill({ works: ['/a', '/b'], site: 'https://www.example.org' }));
  } catch (error) {
    throw new Error(
      `body = ${json}: is no JSON once it is filled in: ${(error as Error).message}; write placeholders without quotes`,
    );
  }
  return body;
}

/** The name in lower case, and the value. Values are not repeated in errors: they may be secret. */
function parseHeader(header: string): [name: string, value: string] {
  const [, name, value] = /^([A-Za-z0-9!#$%&'*+\-.^_`|~]+): *(.*)$/.exec(header) ?? [];
  if (name === undefined || value === undefined) throw new Error('header[]: must be "Name: value"');
  if (!/^[\t\x20-\x7e]*$/.test(value))
    throw new Error(`header[] = ${name}: … has characters that no header can have`);
  return [name.toLowerCase(), value];
}

/** Parses `everything`: one request that empties the cache, with or without a body of JSON. */
export function parseEverything(text: string, headers: readonly string[], site?: string): PurgeRequest {
  const [, method, path, body] = /^([A-Z]+) +(\/\S*)(?: +(\S.*))?$/.exec(text) ?? [];
  if (method === undefined || path === undefined)
    throw new Error(`everything = ${text}: must be a method and a path, such as BAN /`);
  if (body !== undefined) checkJson(body, `everything = ${text}`);
  // Headers that name what to purge say nothing here.
  const pairs = headers.map(parseHeader).filter(([, value]) => !/\{[^{}]*\}/.test(value));
  return toRequest({ method, path, site }, Object.fromEntries(pairs), body);
}

function checkJson(body: string, option: string): void {
  try {
    JSON.parse(body);
  } catch (error) {
    throw new Error(`${option}: what stands behind the path must be JSON: ${(error as Error).message}`);
  }
}
