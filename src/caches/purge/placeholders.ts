/** What one request purges. */
export interface Subject {
  /** Urls, which are path and query, or tags. */
  readonly works: readonly string[];
  /** Scheme and host as visitors type them; only with urls. */
  readonly site?: string | undefined;
}

interface Placeholder {
  /** Which lines of the handlers it is for. */
  readonly takes: 'url' | 'tag';
  /** It can stand for more than one work. */
  readonly several: boolean;
  readonly value: (subject: Subject) => string | readonly string[];
  /** It is encoded in a path. */
  readonly encoded: boolean;
}

const first = ({ works: [work = ''] }: Subject) => work;
const pages = ({ works, site = '' }: Subject) => works.map((work) => site + work);

/** For PCRE: an encoded url has neither blanks nor quotes, so it is safe in a ban expression. */
function regex({ works }: Subject): string {
  const escaped = works.map((work) => work.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  return escaped.length > 1 ? `(${escaped.join('|')})` : escaped.join('');
}

const placeholders: Readonly<Record<string, Placeholder>> = {
  url: { takes: 'url', several: false, encoded: false, value: first },
  'url:regex': { takes: 'url', several: true, encoded: false, value: regex },
  urls: { takes: 'url', several: true, encoded: true, value: ({ works }) => works },
  page: { takes: 'url', several: false, encoded: true, value: (subject) => pages(subject).join() },
  pages: { takes: 'url', several: true, encoded: true, value: pages },
  tag: { takes: 'tag', several: false, encoded: true, value: first },
  tags: { takes: 'tag', several: true, encoded: true, value: ({ works }) => works },
};

/** Where a text of the configuration stands in a request. */
export type Place = 'path' | 'header' | 'body';

/** In JSON an object begins with a brace, too, but never with `{word`. */
const inBody = /\{([a-z][^{}"\s]*)\}/gi;
const elsewhere = /\{([^{}]*)\}/g;

/** A text with placeholders. */
export interface FilledText {
  /** The names of its placeholders. */
  readonly names: readonly string[];
  fill(subject: Subject): string;
  /** How many bytes a work takes in it at most: urls and tags are ASCII. */
  cost(subject: Subject): number;
}

/** Parses a text. Throws an Error if it has an unknown placeholder. */
export function parseFilled(text: string, place: Place): FilledText {
  const placeholder = place === 'body' ? inBody : elsewhere;
  const names = Array.from(text.matchAll(placeholder), ([, name = '']) => name);
  const unknown = names.find((name) => !Object.hasOwn(placeholders, name));
  if (unknown !== undefined)
    throw new Error(
      /^(env|file|credential):/.test(unknown)
        ? `{${unknown}}: secrets stand in header[] alone`
        : `{${unknown}} is no placeholder: there are ${Object.keys(placeholders)
            .map((name) => `{${name}}`)
            .join(', ')}`,
    );
  return {
    names,
    fill: (subject) => text.replace(placeholder, (_all, name: string) => write(name, place, subject)),
    cost: (subject) =>
      names.reduce((most, name) => Math.max(most, write(name, place, subject).length + 1), 0),
  };
}

function write(name: string, place: Place, subject: Subject): string {
  const { value, encoded } = known(name);
  const written = value(subject);
  if (place === 'body') return JSON.stringify(written);
  const text = typeof written === 'string' ? written : written.join(' ');
  return place === 'path' && encoded ? encodeURIComponent(text) : text;
}

/** What the works of placeholders are: all must be of one kind. */
export function kindsOf(names: readonly string[]): Placeholder['takes'][] {
  return [...new Set(names.map((name) => known(name).takes))];
}

/** The first that stands for a single work; undefined if all can stand for several. */
export function singleOf(names: readonly string[]): string | undefined {
  return names.find((name) => !known(name).several);
}

function known(name: string): Placeholder {
  const found = placeholders[name];
  if (!found) throw new Error(`{${name}} is no placeholder`);
  return found;
}
