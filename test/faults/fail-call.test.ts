import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
import { forgetClearings, unsettled } from '../postgres/unsettled.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { eventually } from './eventually.ts';
import { Breaker, type Failure } from './fail-call.ts';
import { startBreakable } from './in-process.ts';

const database = testDatabase();
let client: Client;
let site: Site;

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
  await client.query(`INSERT INTO listen_for (name, script_name) VALUES ('front_updated', 'front')`);
});
afterAll(() => client.end());
beforeEach(async () => {
  await forgetClearings(client);
  site = makeSite();
});
afterEach(() => site.remove());

/**
 * With FAULTS=long: every call in every way. Otherwise each way has every fourth call, so that together they
 * cover all calls.
 */
const stride = process.env.FAULTS === 'long' ? 1 : 4;
const ways = (['once', 'for good'] as const)
  .flatMap((lasting) => (['before', 'after'] as const).map((edge) => ({ lasting, edge })))
  .map((way, index) => ({ ...way, first: stride === 1 ? 1 : index + 1 }));

it.each(ways)(
  'keeps the promises when call 1, 2, 3 … fails $lasting, $edge its effect',
  async ({ first, ...way }) => {
    // Loops run concurrently, so one run may make one call more than another. A single run without a failure
    // does not prove the end.
    for (let nth = first, untouched = 0; untouched < 2; nth += stride) {
      const broken = await run({ ...way, nth });
      untouched = broken.length === 0 ? untouched + 1 : 0;
    }
  },
  600_000,
);

/** What a run is known to do. */
const calls = [
  ...['listen', 'clear', 'INSERT INTO uncached.consumer', 'uncached_register_root'],
  ...['uncached_claim', 'uncached_record', 'uncached_look', 'uncached_read_again', 'uncached_advance'],
  ...['uncached_fail', 'uncached_restart', 'uncached_due', 'uncached_settle_later', 'uncached_in_cohorts'],
  ...['uncached_remove', 'uncached_seen', 'uncached_trim'],
];

it.each(calls)(
  'keeps the promises when the first call of %s fails, before and after its effect',
  async (of) => {
    for (const edge of ['before', 'after'] as const)
      expect(await run({ of, nth: 1, lasting: 'once', edge })).toEqual([expect.stringContaining(of)]);
  },
);

/**
 * With a queue and without, and with a command, which fails once. Each further queue would only add the same calls
 * and a connection.
 */
const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
clear[] = categories/{category}/*
run = command
[handler.front]
clear[] = front/*
`;

/** Returns the calls that failed. */
async function run(failure: Failure): Promise<readonly string[]> {
  const breaker = new Breaker(failure);
  site.write(['ports/www/early/1', 'ports/www/late/1', 'ports/www/other/1', 'front/1']);
  await enqueue('early');
  await enqueue('twice');
  await enqueue('thrice');
  const file = site.configure(
    iniFor(site, database.config, {
      more: '[daemon]\nbatch = 2',
      handlers,
    }),
  );
  let runs = 0;
  const daemon = await startBreakable(file, breaker, {
    async run() {
      runs += 1;
      if (runs === 1) throw new Error('the command fails once');
    },
  });
  const story = () =>
    `call ${failure.nth} ${failure.of ?? ''} failed ${failure.lasting}, ${failure.edge}: ${breaker.broken.join(', ')}; ${daemon.events
      .slice(-20)
      .map(({ kind }) => kind)
      .join(' ')}`;
  try {
    await whenDone(story);
    await enqueue('late');
    await client.query('NOTIFY port_updated; NOTIFY front_updated');
    await whenDone(story, () => site.pages().length === 1);
    expect(site.pages(), story()).toEqual(['ports/www/other/1']);
    return breaker.broken;
  } finally {
    await daemon.stop();
  }
}

const enqueue = (port: string) =>
  client.query(`INSERT INTO cache_clearing_ports (category, port) VALUES ('www', $1)`, [port]);

/** Failing rows wait by the server's clock. A second is too long in a test that goes through all calls. */
async function whenDone(story: () => string, alsoHolds = () => true): Promise<void> {
  const left = async () => {
    // Never waits for the daemon's statements, which may have locked other rows of these: a deadlock.
    await client.query(
      `UPDATE uncached.failing SET retry_at = clock_timestamp()
       WHERE (consumer, id) IN (
         SELECT consumer, id FROM uncached.failing WHERE retry_at IS NOT NULL FOR UPDATE SKIP LOCKED)`,
    );
    const { rows } = await client.query<{ left: number }>(
      `SELECT (SELECT count(*) FROM cache_clearing_ports)::int + (SELECT count(*) FROM ${unsettled})::int AS left`,
    );
    return rows[0]?.left ?? 0;
  };
  await eventually(
    'done',
    async () => ((await left()) === 0 && alsoHolds() ? true : undefined),
    async () => `${await left()} left; pages ${site.pages()}; ${story()}`,
  );
}
