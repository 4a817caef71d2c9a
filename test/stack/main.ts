import { setTimeout as wait } from 'node:timers/promises';
import { Client } from 'pg';
import { readOptions, say } from '../command-line.ts';
import { seeded } from '../random.ts';
import { parseOptions, usage } from './options.ts';
import type { Part } from './parts.ts';
import { compare, type Stale, untilSettled } from './quiet.ts';
import { articles, buildStack, type Stack } from './stack.ts';
import { visitUntil } from './visitors.ts';

/**
 * The live test of layers: page files, nginx's disk cache and Varnish, each in front of the other, with the real
 * daemon. Visitors fill them while the data changes and each of the servers is killed. At quiet points every
 * layer must have every page as the database has it. Exits with 1 at the first violation.
 */
const options = readOptions(parseOptions, usage);
const figures: Record<string, number> = {};
const count = (what: string, by = 1) => {
  figures[what] = (figures[what] ?? 0) + by;
};
const begun = performance.now();
say(`seed ${options.seed}`);

const stack = await buildStack(options);
let violations: readonly (Stale | string)[] = [];
try {
  for (const part of stack.parts) await part.start();
  violations = await run(stack);
} catch (error) {
  violations = [(error as Error).stack ?? String(error)];
} finally {
  if (violations.length > 0) for (const line of stack.daemonLog().slice(-200)) say(JSON.stringify(line));
  await stack.close();
}
const seconds = Math.round((performance.now() - begun) / 1_000);
const layers = stack.layers.map(({ name }) => name);
say(JSON.stringify({ seed: options.seed, layers, seconds, violations, figures }, null, 2));
process.exit(violations.length > 0 ? 1 : 0);

async function run(world: Stack): Promise<readonly Stale[]> {
  const chance = seeded(`${options.seed} run`);
  // From when all servers work: on a busy machine that may take longer than a short run.
  const endsAt = performance.now() + options.minutes * 60_000;
  while (performance.now() < endsAt) {
    const loadMs = Math.min(endsAt - performance.now(), options.load * 1_000 * chance.between(0.5, 1.5));
    const calm = new AbortController();
    const quiet = new AbortController();
    const visitors = [1, 2, 3, 4, 5, 6].map((n) =>
      visitUntil(quiet.signal, world.layers, seeded(`${options.seed} visitor ${n} ${begun}`)),
    );
    const working = [
      produce(AbortSignal.any([calm.signal]), seeded(`${options.seed} producer ${chance.next()}`)),
      killAll(calm.signal, world.parts, seeded(`${options.seed} killer ${chance.next()}`)),
    ];
    await wait(loadMs);
    calm.abort();
    await Promise.all(working);
    const stale = await withDatabase(async (client) => {
      // Visitors still come: what they get now must not stay anywhere.
      await untilSettled(client, world);
      quiet.abort();
      for (const answered of await Promise.all(visitors)) count('visits', answered);
      const found = await compare(client, world);
      count('quiet points');
      count('pages compared', found.compared);
      count('of them from nginx or Varnish', found.cached);
      return found.stale;
    });
    say(`${Math.round((performance.now() - begun) / 1_000)} s: ${JSON.stringify(figures)}`);
    if (stale.length > 0) return stale;
  }
  return [];
}

/**
 * Changes random articles until the signal aborts, most of them twice: the second time while the page is on its way
 * with what the first has made of it.
 */
async function produce(
  signal: AbortSignal,
  { below, between, chance }: ReturnType<typeof seeded>,
): Promise<void> {
  let before = 1;
  while (!signal.aborted) {
    await withDatabase(async (client) => {
      while (!signal.aborted) {
        const id = chance(0.4) ? 1 + below(articles) : before;
        await client.query('UPDATE article SET version = version + 1 WHERE id = $1', [id]);
        before = id;
        count('changes');
        await wait(between(20, 400));
      }
    }).catch(() => wait(100));
  }
}

/** Kills one after the other with -9, and starts it again. All run when it returns. */
async function killAll(
  signal: AbortSignal,
  parts: readonly Part[],
  { pick, between }: ReturnType<typeof seeded>,
): Promise<void> {
  const meanMs = (options.minutes * 60_000 * 0.4) / Math.max(1, options.kills);
  while (options.kills > 0) {
    await wait(between(0, 2 * meanMs), undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    const part = pick(parts);
    await part.kill();
    count(`kills of ${part.name}`);
    await wait(between(0, 500));
    await part.start();
  }
}

async function withDatabase<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client(stack.connection);
  client.on('error', () => {});
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}
