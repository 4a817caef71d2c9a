import { seeded } from '../random.ts';

/**
 * A family is a table of data with a queue of its own, and its pages. `plain`: no constraint. `unique`:
 * UNIQUE (category, port) as in FreshPorts, and the daemon may not lock. `row` and `statement`: the shipped
 * table, filled by uncached.enqueue().
 */
export const families = ['plain', 'unique', 'row', 'statement'] as const;
export type Family = (typeof families)[number];

export interface Datum {
  readonly family: Family;
  readonly category: string;
  readonly port: string;
}

/** Special characters of globs, paths, SQL or terminals have no special meaning in a key. */
const categories = ['www', 'a[b]', '*', 'ünï cödé'];
const ports = ['0', '1', '2', '3', '*', '?x', '{port}', 'a\\b', "it's", '-rf', '~', '%Y'];

/** Keys that can name no page. Their rows are kept as invalid. No other row may fail permanently. */
export const poison = ['..', '.', '', 'a/../../../outside', '.hidden'];

export const data: readonly Datum[] = families.flatMap((family) =>
  categories.flatMap((category) => ports.map((port) => ({ family, category, port }))),
);

export const nameOf = ({ family, category, port }: Datum) => `${family}/${category}/${port}`;

/** Every page of the site, with the data that it shows. news shows everything. */
export const pages: ReadonlyMap<string, Partial<Datum>> = new Map<string, Partial<Datum>>([
  ...data.flatMap((datum) =>
    [1, 2].map((page) => [`ports/${nameOf(datum)}/Detail.Page${page}.html`, datum] as const),
  ),
  ...families.flatMap((family) =>
    categories.map(
      (category) => [`categories/${family}/${category}.all.html`, { family, category }] as const,
    ),
  ),
  ['news/index.html', {}],
]);

export const pagesOf = ({ family, category, port }: Datum): readonly string[] => [
  ...[1, 2].map((page) => `ports/${family}/${category}/${port}/Detail.Page${page}.html`),
  `categories/${family}/${category}.all.html`,
  'news/index.html',
];

export const handlersIni = `${families
  .map(
    (family) => `
[handler.listen_${family}]
queue = queue_${family}
clear[] = ports/${family}/{category}/{port}/*
clear[] = categories/${family}/{category}.*
then = news`,
  )
  .join('')}
[handler.news]
clear[] = news/*
`;

const hotForMs = 200;
const hotAtOnce = 36;

/**
 * The few data that all processes use at the moment, so that they collide. The set moves on: what the last
 * change of a datum missed is then still visible at the quiet point. With a fixed set, a later change would
 * soon clear every stale page.
 */
export function hotData(seed: string): (now: number) => readonly Datum[] {
  const chance = seeded(`${seed} hot`);
  const order = data
    .map((datum) => ({ datum, at: chance.next() }))
    .sort((a, b) => a.at - b.at)
    .map(({ datum }) => datum);
  return (now) => {
    const from = (Math.floor(now / hotForMs) * 2) % order.length;
    return [...order, ...order].slice(from, from + hotAtOnce);
  };
}
