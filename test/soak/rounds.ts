import { setMaxListeners } from 'node:events';
import { rmSync } from 'node:fs';
import { cpus, loadavg } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import type { Client } from 'pg';
import { connectionsHeld } from '../../src/postgres/connection-count.ts';
import { eventually } from '../faults/eventually.ts';
import { withClient } from '../postgres/connection.ts';
import { seeded } from '../random.ts';
import { compare } from '../stack/quiet.ts';
import { visitUntil } from '../stack/visitors.ts';
import { Company } from '../stress/company.ts';
import { families } from '../stress/families.ts';
import { NodeDaemons } from '../stress/node-daemons.ts';
import { quietPoint } from '../stress/quiet.ts';
import type { Report } from '../stress/report.ts';
import { Swapper } from '../stress/swap.ts';
import type { World } from '../stress/world.ts';
import { changeArticles } from './articles.ts';
import { Happenings } from './happenings.ts';
import { unexpectedLines } from './log-lines.ts';
import type { Options } from './options.ts';
import type { Sampler } from './sample.ts';
import { pagesOf, type Site } from './site.ts';
import { type Stage, steady } from './stage.ts';

interface Soak {
  readonly world: World;
  readonly site: Site;
  readonly sampler: Sampler;
  readonly options: Options;
  readonly report: Report;
  readonly interrupted: AbortSignal;
  readonly say: (line: string) => void;
}

/** Load and happenings, and then a quiet point at which everything is compared: again and again, until the time is over. */
export async function soak(parts: Soak): Promise<void> {
  const { world, options, report, interrupted, say } = parts;
  const begun = performance.now();
  const endsAt = begun + options.minutes * 60_000;
  const chance = seeded(`${options.seed} run`);
  const company = new Company(world, options, report);
  const fleet = world.nodes.map((node) => new NodeDaemons(node, chance, report));
  const happenings = new Happenings(seeded(`${options.seed} happenings`));
  const others = { nodes: world.nodes.slice(1), folder: world.folder };
  const swapper = new Swapper(others, options, report);
  try {
    for (const daemons of fleet) daemons.start();
    while (performance.now() < endsAt && !interrupted.aborted && report.violations.length === 0) {
      const loadMs = Math.min(endsAt - performance.now(), options.load * 1_000 * chance.between(0.5, 1.5));
      const stage = { ...parts, company, fleet, random: chance, busy: new Set<NodeDaemons>() };
      await work(loadMs, stage, happenings);
      await quietPoint({
        world,
        company,
        options,
        report,
        daemons: fleet.length,
        sessions: connectionsHeld(families.length + 1, { expands: true }),
        alsoCheck: (client) => checkAll(client, parts, happenings),
      });
      if (report.violations.length === 0)
        await swapper.swap({ of: (node) => fleet.find((one) => one.node === node) as NodeDaemons });
      say(`${Math.round((performance.now() - begun) / 1_000)} s: ${JSON.stringify(report.figures.sum())}`);
    }
  } catch (error) {
    report.violation('fault', [], (error as Error).stack ?? String(error));
  } finally {
    await company.end();
    await Promise.all(fleet.map((daemons) => daemons.end()));
  }
}

/** One load. Nothing is broken when it returns, and all programs of the site pause. */
async function work(
  loadMs: number,
  parts: Omit<Stage, 'signal'> & Pick<Soak, 'sampler' | 'options' | 'interrupted'>,
  happenings: Happenings,
): Promise<void> {
  const { world, site, company, fleet, random, report, sampler, options, interrupted } = parts;
  const [calm, quiet] = [new AbortController(), new AbortController()];
  const signal = AbortSignal.any([calm.signal, interrupted]);
  setMaxListeners(0, signal, interrupted);
  const visitors = [1, 2, 3].map((n) =>
    visitUntil(quiet.signal, site.layers, seeded(`${options.seed} visitor ${n} ${random.next()}`)),
  );
  const editing = changeArticles(signal, { connection: world.connection, random, report });
  const sampling = sampler.run(steady({ fleet }).main?.pid ?? 0, world.connection, quiet.signal);
  company.go();
  const happening = happenings.during(loadMs, { ...parts, signal });
  await wait(loadMs, undefined, { signal: interrupted }).catch(() => {});

  await company.pause('producer');
  calm.abort();
  await Promise.all([editing, happening]);
  await repair(parts);
  await Promise.all(fleet.map((daemons) => daemons.rest()));
  await company.pause('writer');
  quiet.abort();
  await sampling;
  for (const answered of await Promise.all(visitors)) report.figures.count('visits', answered);
}

/** What a happening has left when PostgreSQL was killed in the middle of it. */
async function repair({ world, site }: Pick<Stage, 'world' | 'site'>): Promise<void> {
  await withClient(world.connection, (client) => client.query(pagesOf));
  rmSync(site.commandFails, { force: true });
  site.edge.behave('well');
}

async function checkAll(
  client: Client,
  { world, site, report }: Soak,
  { excused }: Happenings,
): Promise<void> {
  // On a busy machine a visitor may give up.
  const { stale, compared, cached } = await eventually(
    'answered by every cache',
    () => compare(client, site).catch(() => undefined),
    async () => JSON.stringify(site.layers),
    100_000,
    200,
  );
  for (const one of stale)
    report.violation('stale', [`articles/${one.id}.html`], `${one.layer}: ${JSON.stringify(one)}`);
  report.figures.count('pages of articles compared', compared);
  report.figures.count('of them from caches', cached);
  if (isOverloaded()) {
    report.figures.count('quiet points on an overloaded machine');
    for (const event of lateEvents) excused.add(event);
  }
  for (const [n, node] of world.nodes.entries())
    for (const line of unexpectedLines(node.lines(), { excused, killed: n > 0 }))
      report.violation('log', [], `${node.name}: ${line}`);
  excused.clear();
}

/** Errors of a daemon that gets no processor for seconds: it misses its own time limits, and says so. */
const lateEvents = [
  'database-unavailable',
  'listener-lost',
  'loop-failed',
  'problem-found',
  'disk-failing',
  'rows-failed',
];

const isOverloaded = () => (loadavg()[0] ?? 0) > 3 * cpus().length;
