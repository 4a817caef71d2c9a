import type fs from 'node:fs';
import { existsSync, readdirSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { Client } from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Walk } from '../../src/filesystem/walk/directory.ts';
import { walks } from '../filesystem/walks.ts';
import { testDatabase } from '../postgres/test-database.ts';
import { forgetClearings, unsettled } from '../postgres/unsettled.ts';
import { iniFor, makeSite, type Site } from '../site.ts';
import { eventually } from './eventually.ts';
import { Breaker } from './fail-call.ts';
import { breakableChdir, codes, type SystemFailure, systemBreaker, systemCalls } from './fail-system-call.ts';
import { type InProcess, startBreakable } from './in-process.ts';

vi.mock('node:fs', async (load) => {
  // This runs before the imports.
  const { breakable } = await import('./fail-system-call.ts');
  return breakable(await load<typeof fs>());
});
const chdir = process.chdir.bind(process);
vi.spyOn(process, 'chdir').mockImplementation(breakableChdir(chdir));

const database = testDatabase();
let client: Client;
let site: Site;
let daemon: InProcess | undefined;
let cases = 0;

beforeAll(async () => {
  client = new Client(database.config);
  await client.connect();
});
afterAll(async () => {
  console.log(`${cases} system calls failed`);
  await client.end();
});
beforeEach(async () => {
  await forgetClearings(client);
  site = makeSite();
});
afterEach(async () => {
  systemBreaker.heal();
  await daemon?.stop();
  daemon = undefined;
  site.remove();
});

/**
 * With FAULTS=long: every code at every call. Otherwise every other call, the odd ones with `once` and the
 * even ones with `for good`, each with one code. test/filesystem/fail-system-call.test.ts covers every call
 * of a single clearing.
 */
const long = process.env.FAULTS === 'long';
const stride = long ? 1 : 2;
const codesAt = (n: number) => (long ? codes : codes.filter((_, index) => index === n % codes.length));

const ways = systemCalls.flatMap((call) =>
  (['once', 'for good'] as const).map((lasting) => ({ call, lasting })),
);

describe.each(walks)('by the %s walk', (name, walk) => {
  it.each(ways)(
    'keeps the promises when $call 1, 2, 3 … fails $lasting',
    { timeout: 300_000 },
    async (way) => {
      await start(walk);
      const first = !long && way.lasting === 'for good' ? 2 : 1;
      let untouched = 0;
      let struck = 0;
      for (let nth = first; untouched < 2; nth += stride) {
        for (const code of codesAt(nth + ways.indexOf(way))) {
          const fell = await strike({ ...way, nth, code }, name);
          untouched = fell ? 0 : untouched + 1;
          if (fell) struck += 1;
        }
      }
      cases += struck;
      expect(struck).toBeGreaterThan(0);
      await daemon?.stop();
      daemon = undefined;
      expect(handlesBelow(site.root)).toEqual([]);
    },
  );

  it.each(codes)('stops in time while everything fails with %s, and its successor clears', async (code) => {
    await start(walk);
    systemBreaker.begin({ call: 'open', nth: 1, code, lasting: 'for good' });
    await publish();
    await eventually(
      'waiting',
      async () => (systemBreaker.failed > 0 && (await left()).rows > 0 ? true : undefined),
      async () => JSON.stringify(await left()),
    );
    // Not even root can be opened. No row's result is known, so no row fails.
    expect((await left()).failing).toBe(0);
    await daemon?.stop();
    expect(handlesBelow(site.root)).toEqual([]);
    systemBreaker.heal();
    await start(walk);
  });
});

const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
clear[] = ports/{category}/{port}.html
clear[] = trees/{port}/
`;

async function start(walk: Walk): Promise<void> {
  const file = site.configure(iniFor(site, database.config, { handlers }));
  daemon = await startBreakable(file, new Breaker({ nth: 0, lasting: 'once', edge: 'before' }), { walk });
  // Waits until the start has finished its work with files too: the marker and an empty clearing.
  await publish();
  await done('at the start');
}

const bystanders = ['ports/www/other/1', 'ports/www/other.html', 'trees/other/sub/1'];

async function publish(): Promise<void> {
  site.write(bystanders);
  site.write(['1', '2', 'sub/3', '.1.0123456789abcdef.tmp'].map((name) => `ports/www/stale/${name}`));
  site.write(['ports/www/stale.html', 'trees/stale/1', 'trees/stale/sub/2']);
  await client.query(
    `WITH entry AS (INSERT INTO cache_clearing_ports (category, port) VALUES ('www', 'stale'))
     SELECT pg_notify('port_updated', '')`,
  );
}

/** Returns whether the run reached its call. */
async function strike(failure: SystemFailure, walk: string): Promise<boolean> {
  const told = daemon?.events.length ?? 0;
  systemBreaker.begin(failure);
  await publish();
  await done(JSON.stringify(failure));
  const fell = systemBreaker.failed > 0;
  systemBreaker.heal();
  expect(handlesBelow(site.root), JSON.stringify(failure)).toEqual([]);
  if (fell && !mayBeMadeGood(failure, walk)) {
    const failures = (daemon?.events ?? [])
      .slice(told)
      .flatMap((event) => (event.kind === 'batch-done' ? event.failures : []));
    expect(
      failures.map(({ code }) => code),
      JSON.stringify(failure),
    ).toContain(failure.code);
  }
  return fell;
}

/**
 * A request that cannot open root is repeated when root can be inspected. POSIX says EPERM for unlink of a
 * directory. When a return by chdir fails, the walk starts again from root.
 */
function mayBeMadeGood({ call, code }: SystemFailure, walk: string): boolean {
  if (systemBreaker.at === site.root || (call === 'unlink' && code === 'EPERM')) return true;
  return walk === 'chdir' && /open|lstat/.test(call);
}

/** The number of calls that fail in an outage before it heals. */
const outageCalls = 3;

/** The queue is empty and everything is settled, and exactly the right files are gone. */
async function done(story: string): Promise<void> {
  await eventually(
    'done',
    async () => {
      if (systemBreaker.failed >= outageCalls) systemBreaker.heal();
      const { entries, rows } = await left();
      return entries === 0 && rows === 0 ? true : undefined;
    },
    async () => `${story}: ${JSON.stringify(await left())}; pages ${site.pages()}`,
    100_000,
    5,
  );
  expect(site.pages(), story).toEqual([...bystanders].sort());
  expect(existsSync(join(site.root, 'trees/stale')), story).toBe(false);
}

/** Failing rows wait by the server's clock. A second is too long in a test that goes through all calls. */
async function left(): Promise<{ entries: number; rows: number; failing: number }> {
  await client.query('UPDATE uncached.failing SET retry_at = clock_timestamp() WHERE retry_at IS NOT NULL');
  const { rows } = await client.query<{ entries: number; rows: number; failing: number }>(
    `SELECT (SELECT count(*) FROM cache_clearing_ports)::int AS entries, count(*)::int AS rows,
            count(last_error)::int AS failing FROM ${unsettled}`,
  );
  return rows[0] ?? { entries: -1, rows: -1, failing: -1 };
}

function handlesBelow(root: string): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(root) ? [path] : [];
    } catch {
      // The descriptor of the listing itself, closed by now.
      return [];
    }
  });
}
