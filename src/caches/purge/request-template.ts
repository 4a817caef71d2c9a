/** A request to a target: everything but where it goes. */
export interface PurgeRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What one request purges. */
interface Subject {
  /** A url, which is path and query, or a tag. */
  readonly work: string;
  /** Scheme and host as visitors type them; only with a url. */
  readonly site?: string;
}

export interface RequestTemplate {
  /** Which lines of the handlers it is for. */
  readonly takes: 'url' | 'tag';
  readonly method: string;
  fill(subject: Subject): PurgeRequest;
}

const placeholder = /\{([^{}]*)\}/g;

/** By placeholder: what it takes, and how it is written in a path and in a header. */
const placeholders: Readonly<
  Record<string, { takes: RequestTemplate['takes']; write: (subject: Subject, inPath: boolean) => string }>
> = {
  url: { takes: 'url', write: ({ work }) => work },
  // For PCRE: an encoded url has neither blanks nor quotes, so it is safe in a ban expression.
  'url:regex': { takes: 'url', write: ({ work }) => work.replace(/[.*+?^${}()|[\]\\]/g, '\\$&') },
  page: {
    takes: 'url',
    write: ({ work, site = '' }, inPath) => (inPath ? encodeURIComponent(site + work) : site + work),
  },
  tag: { takes: 'tag', write: ({ work }, inPath) => (inPath ? encodeURIComponent(work) : work) },
};

/**
 * Parses `request`, such as `PURGE {url}`, and `header[]`, whose secrets are filled in already. Throws an Error
 * that names the option and says what is wrong.
 */
export function parseRequest(request: string, headers: readonly string[]): RequestTemplate {
  const [, method, path] = /^([A-Z]+) +(\S+)$/.exec(request) ?? [];
  if (method === undefined || path === undefined)
    throw new Error(`request = ${request}: must be a method and a path, such as PURGE {url}`);
  if (!/^(\/|\{url\})/.test(path))
    throw new Error(`request = ${request}: the path must begin with "/" or be {url}`);
  const pairs = headers.map(parseHeader);
  const names = [path, ...pairs.map(([, value]) => value)].flatMap((text) =>
    Array.from(text.matchAll(placeholder), ([, name = '']) => name),
  );
  const unknown = names.find((name) => !Object.hasOwn(placeholders, name));
  if (unknown !== undefined)
    throw new Error(
      `{${unknown}} is no placeholder: there are ${Object.keys(placeholders)
        .map((name) => `{${name}}`)
        .join(', ')}`,
    );
  const takes = [...new Set(names.map((name) => placeholders[name]?.takes))];
  const [only] = takes;
  if (only === undefined)
    throw new Error(`request = ${request}: names neither {url} nor {tag}, so it would purge nothing`);
  if (takes.length > 1) throw new Error(`request = ${request}: urls and tags need a section each`);
  const fillIn = (text: string, subject: Subject, inPath: boolean) =>
    text.replace(placeholder, (_all, name: string) => placeholders[name]?.write(subject, inPath) ?? '');
  return {
    takes: only,
    method,
    fill: (subject) => ({
      method,
      path: fillIn(path, subject, true),
      headers: {
        ...(subject.site !== undefined && { host: new URL(subject.site).host }),
        ...Object.fromEntries(pairs.map(([name, value]) => [name, fillIn(value, subject, false)])),
      },
    }),
  };
}

/** The name in lower case, and the value. Values are not repeated in errors: they may be secret. */
function parseHeader(header: string): [name: string, value: string] {
  const [, name, value] = /^([A-Za-z0-9!#$%&'*+\-.^_`|~]+): *(.*)$/.exec(header) ?? [];
  if (name === undefined || value === undefined) throw new Error('header[]: must be "Name: value"');
  if (!/^[\t\x20-\x7e]*$/.test(value))
    throw new Error(`header[] = ${name}: … has characters that no header can have`);
  return [name.toLowerCase(), value];
}

/** Parses `everything`: one request that empties the cache. */
export function parseEverything(text: string, headers: readonly string[], site?: string): PurgeRequest {
  const [, method, path] = /^([A-Z]+) +(\/\S*)$/.exec(text) ?? [];
  if (method === undefined || path === undefined)
    throw new Error(`everything = ${text}: must be a method and a path, such as BAN /`);
  // Headers that name what to purge say nothing here.
  const pairs = headers.map(parseHeader).filter(([, value]) => value.search(placeholder) < 0);
  return {
    method,
    path,
    headers: { ...(site !== undefined && { host: new URL(site).host }), ...Object.fromEntries(pairs) },
  };
}
