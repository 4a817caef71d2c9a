import { below } from './tree.ts';

const news = below('news/');
const plasma = below('ports/x11/plasma/', 'categories/x11/', 'categories/kde/');
export const nginx = [...below('ports/www/nginx/'), ...below('categories/www/')];
const hash = 'b1f9d52c0a5e';
const messageId = '200801031415.m03EFxyz012345@repoman.freebsd.org';
const sanity = 'general/sanity_test_failures.';

interface Change {
  readonly channel: string;
  readonly what: string;
  readonly sql: string;
  /** The pages that must be deleted. No other page may be. */
  readonly stale: readonly string[];
  /** Whether the change sends no notification. */
  readonly silent?: boolean;
}

/** Everything that the site does to make pages stale: each of its channels, and its silent triggers. */
export const changes: readonly Change[] = [
  {
    channel: 'port_updated',
    what: 'a port, in the manner of the site',
    sql: 'UPDATE ports SET short_description = short_description WHERE id = 1',
    stale: [...nginx, ...news],
  },
  {
    channel: 'port_updated',
    what: 'a port that is in a virtual category too',
    sql: 'UPDATE ports SET short_description = short_description WHERE id = 53108',
    stale: [...plasma, ...news],
  },
  {
    channel: 'date_updated, commit_updated',
    what: 'a commit with a Git hash',
    sql: `UPDATE commit_log SET description = 'mended' WHERE message_id = '${hash}'`,
    stale: [
      ...below('daily/2020/01/03.', `commits/${hash}/`, `${sanity}${hash}.`, `${sanity}PageSize100.`),
      ...news,
    ],
  },
  {
    channel: 'date_updated, commit_updated',
    what: 'a commit with the Message-ID of the Subversion years',
    sql: `UPDATE commit_log SET description = 'mended' WHERE message_id = '${messageId}'`,
    stale: [...below('daily/2008/01/03.', 'commits/200801031415-', `${sanity}PageSize100.`), ...news],
  },
  {
    channel: 'file_updated',
    what: 'a file beside the ports',
    sql: `INSERT INTO commit_log_elements VALUES (1, '/ports/head/MOVED')`,
    stale: [...below('ports/MOVED.'), ...news],
  },
  {
    channel: 'file_updated',
    what: 'a file in a directory beside the ports',
    sql: `INSERT INTO commit_log_elements VALUES (1, '/ports/head/Mk/bsd.port.mk')`,
    stale: [...below('ports/Mk/bsd.port.mk.'), ...news],
  },
  { channel: 'ports_moved', what: 'a move', sql: `INSERT INTO ports_moved VALUES ('a', 'b')`, stale: news },
  {
    channel: 'ports_updating',
    what: 'a hint',
    sql: `INSERT INTO ports_updating VALUES ('a', 'b')`,
    stale: news,
  },
  { channel: 'vuxml', what: 'a vulnerability', sql: `INSERT INTO vuxml (vid) VALUES ('a')`, stale: news },
  {
    channel: 'category_new',
    what: 'a category',
    sql: `INSERT INTO categories (name) VALUES ('budgie')`,
    stale: news,
  },
  {
    channel: 'packages_imported',
    what: 'packages, whose dataset is rolled back',
    sql: 'INSERT INTO packages_import DEFAULT VALUES',
    stale: below('packages/'),
  },
  {
    channel: 'no channel',
    silent: true,
    what: 'a vulnerable port, silently, found by the sweep',
    sql: 'INSERT INTO vuxml_affected VALUES (NULL, 2)',
    stale: [...below('ports/www/apache24/', 'categories/www/'), ...news],
  },
  {
    channel: 'no channel',
    silent: true,
    what: 'the name of a committer, silently, found by the sweep',
    sql: `UPDATE people SET name = 'Dan Langille' WHERE id = 1`,
    stale: [...below(`commits/${hash}/`, `${sanity}${hash}.`, `${sanity}PageSize100.`), ...news],
  },
  {
    channel: 'port_updated',
    what: 'nothing, by a NOTIFY that a person types, with a payload',
    sql: `INSERT INTO cache_clearing_ports (port_id, category, port) VALUES (1, 'www', 'nginx');
          NOTIFY port_updated, '{"is this thing on?'`,
    stale: [...nginx, ...news],
  },
];

/**
 * The output of `check` for this site: a junk row of listen_for is wrong, a table without a primary key could
 * be slow, and the file of a test is readable for all.
 */
export const complaints =
  /^notice: queue table cache_clearing_dates has no index that begins with id, .*\n(?:notice: \S+: it holds a password, .*\n)?listen_for: channel packages_cache_clear asks for the handler .*\n1 problem, [12] notices?\n$/;
