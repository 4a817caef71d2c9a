import type { Client } from 'pg';

/**
 * The backlog that blocked the predecessor for two days: 20,508 rows for 5,000 ports in 60 categories with
 * four pages each, and 290 dates over 29 days.
 */
export const backlogSize = { ports: 20_508, dates: 290 };

const ports = 5_000;
const categoryOf = (port: number) => `cat${String(port % 60).padStart(2, '0')}`;
const nameOf = (port: number) => `port-${String(port).padStart(6, '0')}`;

/** Every page that the backlog names. */
export function* namedPages(): Generator<string> {
  for (let port = 0; port < ports; port++) {
    for (let part = 1; part <= 4; part++) {
      yield `ports/${categoryOf(port)}/${nameOf(port)}/Detail.Part${part}.head.PageSize100.PageNum1.html`;
    }
  }
  for (let category = 0; category < 60; category++) {
    for (let page = 1; page <= 5; page++) yield `categories/${categoryOf(category)}/page${page}.html`;
  }
  for (let day = 1; day <= 29; day++) {
    for (const branch of ['head', '2020Q1'])
      yield `daily/2020/01/${String(day).padStart(2, '0')}.daily.${branch}`;
  }
  for (let page = 1; page <= 10; page++) yield `news/${page}.html`;
}

/** Other pages that the backlog does not name. */
export const otherPages: readonly string[] = [
  'ports/cat00/port-999999/Detail.Part1.head.PageSize100.PageNum1.html',
  'ports/cat99/port-000000/Detail.Part1.head.PageSize100.PageNum1.html',
  'categories/cat60/page1.html',
  'daily/2020/01/30.daily.head',
  'daily/2020/02/01.daily.head',
  'general/sanity_test_failures.PageSize100.PageNum1.html',
  'spooling/draft',
  'searchlog.txt',
];

/** Enqueues it without a notification. */
export async function enqueueBacklog(client: Client): Promise<void> {
  await client.query(`
    CREATE TEMPORARY TABLE backlog AS
      SELECT row_number() OVER (ORDER BY pass, place, again) AS n, p FROM (
        SELECT 1 AS pass, p AS place, again, p FROM generate_series(0, 4999) p, generate_series(1, 2) again
        UNION ALL
        SELECT 2, j, again, j * 2741 % 5000 FROM generate_series(0, 4999) j, generate_series(1, 2) again
        UNION ALL
        SELECT 3, p, 1, p FROM generate_series(0, 507) p) AS passes`);
  // One transaction for each entry, as far as the queue's unique constraint is concerned.
  await client.query(`
    INSERT INTO cache_clearing_ports (category, port, xid)
    SELECT 'cat' || lpad((p % 60)::text, 2, '0'), 'port-' || lpad(p::text, 6, '0'), n::text::xid8 FROM backlog ORDER BY n`);
  await client.query(`
    INSERT INTO cache_clearing_dates (date_to_clear, xid)
    SELECT date '2020-01-01' + i % 29, i::text::xid8 FROM generate_series(0, 289) i`);
}
