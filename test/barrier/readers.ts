import type { Client } from 'pg';

/** A change, as a reader announces it. */
interface Change {
  readonly id: number;
  readonly k: string;
  readonly v: number;
  readonly xid: string;
}

/** What a reader remembers of what it has announced. */
export interface Cursor {
  xid: string;
  id: number;
  most: number;
  readonly seen: Set<number>;
}

export interface Reader {
  readonly name: string;
  /** Whether it must announce nothing stale, and miss nothing. Others look right as well, and are not. */
  readonly isRight: boolean;
  /** Beside daemons that are killed it is sure to announce something stale. */
  readonly isSurelyWrong?: boolean;
  next(client: Client, cursor: Cursor): Promise<Change[]>;
}

const columns = 'SELECT id::int AS id, k, v::int AS v, xid::text AS xid FROM changelog';

const byHorizon = (horizon: string) => async (client: Client, cursor: Cursor) => {
  const { rows } = await client.query<Change>(
    `${columns} WHERE (xid, id) > ($1::xid8, $2::bigint) AND xid < (SELECT ${horizon}) ORDER BY changelog.xid, changelog.id`,
    [cursor.xid, cursor.id],
  );
  return rows;
};

/** No transaction is open for so many changes. */
const window = 1_000;

/** As many at most are announced before their pages are compared, and as many are asked for. */
const atOnce = { announced: 25, asked: 200 };

/**
 * Each change has a statement of its own. In the WHERE of a single one the function looks at all that waits, for each
 * change, and settling waits until that statement ends: with thousands of changes this took minutes, and thousands
 * more came meanwhile.
 */
const byXid = (level: string) => async (client: Client, cursor: Cursor) => {
  const { rows } = await client.query<Change>(
    `${columns} WHERE id > $1 AND id <> ALL ($2) ORDER BY id LIMIT ${atOnce.asked}`,
    [cursor.most - window, [...cursor.seen].slice(-2 * window)],
  );
  const cleared: Change[] = [];
  for (const change of rows) {
    const { rows: answers } = await client.query<{ is: boolean }>(
      'SELECT uncached.is_cleared($1::xid8, $2) AS is',
      [change.xid, level],
    );
    if (answers[0]?.is && cleared.push(change) === atOnce.announced) break;
  }
  return cleared;
};

export const readers: readonly Reader[] = [
  { name: 'horizon, settled', isRight: true, next: byHorizon(`uncached.horizon('settled')`) },
  { name: 'is_cleared, settled', isRight: true, next: byXid('settled') },
  { name: 'horizon, cleared', isRight: false, next: byHorizon(`uncached.horizon('cleared')`) },
  { name: 'is_cleared, cleared', isRight: false, next: byXid('cleared') },
  {
    name: 'by id',
    isRight: false,
    isSurelyWrong: true,
    async next(client, { most }) {
      return (await client.query<Change>(`${columns} WHERE id > $1 ORDER BY id`, [most])).rows;
    },
  },
  {
    name: 'the open transactions alone',
    isRight: false,
    isSurelyWrong: true,
    next: byHorizon('xmin_horizon()'),
  },
  { name: 'the log alone', isRight: false, next: byHorizon('log_horizon()') },
  { name: 'the queue tables alone', isRight: false, isSurelyWrong: true, next: byHorizon('queue_horizon()') },
  { name: 'a VOLATILE horizon', isRight: false, next: byHorizon('volatile_horizon()') },
];

/** The functions of those that are not right. */
export const wrongFunctions = `
  CREATE FUNCTION xmin_horizon() RETURNS xid8 LANGUAGE sql STABLE AS
    $$ SELECT pg_snapshot_xmin(pg_current_snapshot()) $$;
  CREATE FUNCTION log_horizon() RETURNS xid8 LANGUAGE sql STABLE AS
    $$ SELECT least(pg_snapshot_xmin(pg_current_snapshot()),
         (SELECT xid FROM uncached.log WHERE id > (SELECT min(settled_to) FROM uncached.consumer) ORDER BY xid LIMIT 1)) $$;
  CREATE FUNCTION queue_horizon() RETURNS xid8 LANGUAGE sql STABLE AS
    $$ SELECT least(pg_snapshot_xmin(pg_current_snapshot()),
         (SELECT xid FROM (SELECT xid FROM cache_clearing_ports UNION ALL SELECT xid FROM skipped) AS queues ORDER BY xid LIMIT 1)) $$;
  CREATE FUNCTION volatile_horizon() RETURNS xid8 LANGUAGE plpgsql VOLATILE AS
    $$ BEGIN RETURN uncached.horizon(); END $$`;
