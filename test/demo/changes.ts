/** The demo's site: 12 ports in 3 categories, a week of daily pages, the news. */
const ports = ['www', 'mail', 'lang'].flatMap((category) =>
  ['alpha', 'beta', 'gamma', 'delta'].map((name) => ({ category, name: `${category}-${name}` })),
);

const days = ['01', '02', '03', '04', '05', '06', '07'];

const portPages = (category: string, port: string) =>
  [1, 2, 3].map((part) => `ports/${category}/${port}/Detail.Part${part}.head.PageSize100.PageNum1.html`);
const categoryPages = (category: string) =>
  [1, 2].map((page) => `categories/${category}/${category}.all.head.PageSize100.PageNum${page}.html`);
const dailyPages = (day: string) =>
  ['head', '2020Q1'].map((branch) => `daily/2020/01/${day}.daily.${branch}`);
const newsPages = ['news/index.html', 'news/rss.xml'];

/** Every page of the site, and some files that the daemon must not touch. */
export const allPages: readonly string[] = [
  ...ports.flatMap(({ category, name }) => portPages(category, name)),
  ...[...new Set(ports.map(({ category }) => category))].flatMap(categoryPages),
  ...days.flatMap(dailyPages),
  ...newsPages,
  'spooling/draft.html',
  'searchlog.txt',
];

/**
 * A change that the demo makes, and the pages that it makes stale. If visitors have deleted its rows, it
 * restores them.
 */
export interface Change {
  readonly words: string;
  readonly sql: string;
  readonly stale: readonly string[];
}

export const changes: readonly ((n: number) => Change)[] = [
  (n) => {
    const { category, name } = pick(ports, n);
    return {
      words: `the description of ${category}/${name} is updated`,
      sql: update([{ category, name }], "ports.description || '.'"),
      stale: [...portPages(category, name), ...categoryPages(category), ...newsPages],
    };
  },
  (n) => {
    const day = pick(days, n);
    return {
      words: `a commit of 2020-01-${day} is recorded`,
      sql: `INSERT INTO commits (committed_on, message) VALUES ('2020-01-${day}', 'Update something')`,
      stale: [...dailyPages(day), ...newsPages],
    };
  },
  (n) => {
    const { category } = pick(ports, n);
    const members = ports.filter((port) => port.category === category);
    return {
      words: `all ${members.length} ports of ${category} are updated in one transaction`,
      sql: update(members, "'All new'"),
      stale: [
        ...members.flatMap(({ name }) => portPages(category, name)),
        ...categoryPages(category),
        ...newsPages,
      ],
    };
  },
];

type Port = (typeof ports)[number];

const rowsOf = (some: readonly Port[]) =>
  `SELECT category, name, 'A port' FROM json_to_recordset('${JSON.stringify(some)}') AS p(category text, name text)`;

const update = (some: readonly Port[], description: string) =>
  `INSERT INTO ports ${rowsOf(some)} ON CONFLICT (category, name) DO UPDATE SET description = ${description}`;

function pick<T>(list: readonly T[], n: number): T {
  const picked = list[(n * 5) % list.length];
  if (picked === undefined) throw new Error('Cannot pick from an empty list');
  return picked;
}

/** The site's own tables, with the triggers that a web developer would attach. */
export const siteSql = `
  CREATE TABLE ports (category text, name text, description text, PRIMARY KEY (category, name));
  CREATE TABLE commits (id integer GENERATED ALWAYS AS IDENTITY, committed_on date NOT NULL, message text);
  INSERT INTO ports ${rowsOf(ports)};
  CREATE TRIGGER clear_cache AFTER INSERT OR UPDATE OR DELETE ON ports FOR EACH ROW
    EXECUTE FUNCTION uncached.enqueue('cache_clearing_ports', 'port_updated', 'category', 'port=name');
  CREATE TRIGGER clear_cache AFTER INSERT OR UPDATE OR DELETE ON commits FOR EACH ROW
    EXECUTE FUNCTION uncached.enqueue('cache_clearing_dates', 'date_updated', 'date_to_clear=committed_on');`;
