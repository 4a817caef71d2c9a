import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { testDatabase } from '../postgres/test-database.ts';
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
beforeEach(() => {
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
const broken = new Set<string>();

it.each(ways)(
  'keeps the promises when call 1, 2, 3 … fails $lasting, $edge its effect',
  async ({ first, ...way }) => {
    // Loops run concurrently, so one run may make one call more than another. A single run without a failure
    // does not prove the end.
    for (let nth = first, untouched = 0; untouched < 2; nth += stride) {
      const breaker = new Breaker({ ...way, nth });
      await run(breaker, { ...way, nth });
      untouched = breaker.broken.length === 0 ? untouched + 1 : 0;
      for (const what of breaker.broken) broken.add(what);
    }
  },
  600_000,
);

it('has failed every call that a run makes', () => {
  const calls = ['listen', 'queue.claim', 'cache.clear'];
  const statements = ['takeOver', 'newest', 'unsettled', 'record', 'snapshot', 'read', 'settle'];
  expect([...broken]).toEqual(
    expect.arrayContaining([...calls, ...statements.map((name) => `journal.${name}`)]),
  );
});

/** With a queue and without. Each further queue would only add the same calls and a connection. */
const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
clear[] = categories/{category}/*
[handler.front]
clear[] = front/*
`;

async function run(breaker: Breaker, failure: Failure): Promise<void> {
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
  const daemon = await startBreakable(file, breaker);
  const story = () =>
    `call ${failure.nth} failed ${failure.lasting}, ${failure.edge}: ${breaker.broken.join(', ')}; ${daemon.events
      .slice(-20)
      .map(({ kind }) => kind)
      .join(' ')}`;
  try {
    await whenDone(story);
    await enqueue('late');
    await client.query('NOTIFY port_updated; NOTIFY front_updated');
    await whenDone(story, () => site.pages().length === 1);
    expect(site.pages(), story()).toEqual(['ports/www/other/1']);
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
      `UPDATE uncached.journal SET retry_at = clock_timestamp()
       WHERE id IN (SELECT id FROM uncached.journal WHERE retry_at IS NOT NULL FOR UPDATE SKIP LOCKED)`,
    );
    const { rows } = await client.query<{ left: number }>(
      'SELECT (SELECT count(*) FROM cache_clearing_ports)::int + (SELECT count(*) FROM uncached.journal)::int AS left',
    );
    return rows[0]?.left ?? 0;
  };
  await eventually(
    'done',
    async () => ((await left()) === 0 && alsoHolds() ? true : undefined),
    async () => `${await left()} left; pages ${site.pages()}; ${story()}`,
  );
}
