import { cpus } from 'node:os';
import { setTimeout as wait } from 'node:timers/promises';
import { readOptions, say } from '../command-line.ts';
import { seeded } from '../random.ts';
import { Company } from './company.ts';
import { writeEvidence } from './evidence.ts';
import { Killer } from './killer.ts';
import { parseOptions, usage } from './options.ts';
import { quietPoint } from './quiet.ts';
import { Report } from './report.ts';
import { Swapper } from './swap.ts';
import { buildWorld, type World } from './world.ts';

/**
 * The live stress test: producers of every style, and for each node writers of both kinds and readers around the
 * real daemon, which is killed repeatedly. At quiet points every page is compared with the database. Exits with 1 at the
 * first violation, or with 0 when its time is over.
 */
const begun = performance.now();
const report = new Report();
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());

const options = readOptions(parseOptions, usage);
say(`seed ${options.seed}: ${process.argv.slice(2).join(' ')}`);
// Every wait should have a deadline. If one has none, this ends the run, and its processes end with it.
setTimeout(
  () => {
    report.violation('fault', [], 'the run does not come to its end');
    summarize('');
    process.exit(1);
  },
  options.minutes * 60_000 + 420_000,
).unref();

const world = await buildWorld(options, report);
try {
  await run(world);
  await explain(world);
} finally {
  await world.close(report.violations.length > 0);
}
summarize(world.server.version);
process.exit(report.violations.length > 0 ? 1 : 0);

async function run(world: World): Promise<void> {
  const company = new Company(world, options, report);
  const killer = new Killer(world, company, options, report);
  const swapper = new Swapper(world, options, report);
  const chance = seeded(`${options.seed} run`);
  const endsAt = performance.now() + options.minutes * 60_000;
  let peace = new AbortController();
  let killing: Promise<void> = Promise.resolve();
  try {
    while (performance.now() < endsAt && !interrupted.signal.aborted && report.violations.length === 0) {
      company.go();
      peace = new AbortController();
      killing = killer.run(AbortSignal.any([peace.signal, interrupted.signal]));
      const loadMs = Math.min(endsAt - performance.now(), options.load * 1_000 * chance.between(0.5, 1.5));
      await wait(loadMs, undefined, { signal: interrupted.signal }).catch(() => {});
      // Writers still run after the last commits.
      await company.pause('producer');
      await wait(chance.between(0, options.settleMs));
      peace.abort();
      await killing;
      await company.pause('writer');
      await quietPoint({ world, company, options, report, daemons: killer.living });
      if (report.violations.length === 0) await swapper.swap(killer);
      say(`${Math.round((performance.now() - begun) / 1_000)} s: ${JSON.stringify(report.figures.sum())}`);
    }
  } catch (error) {
    report.violation('fault', [], (error as Error).stack ?? String(error));
  } finally {
    peace.abort();
    await killing;
    await company.end();
    await killer.end();
  }
}

async function explain(world: World): Promise<void> {
  for (const [n, violation] of report.violations.slice(0, 10).entries()) {
    say(`${violation.what}: ${violation.detail}`);
    say(`  all that is known of it: ${await writeEvidence(world, violation, n + 1)}`);
  }
}

function summarize(postgres: string): void {
  const { seed, minutes, nodes, settle, mutation } = options;
  const summary = {
    seed,
    minutes,
    nodes,
    settle,
    mutation: mutation ?? 'none',
    seconds: Math.round((performance.now() - begun) / 1_000),
    violations: report.counts(),
    figures: report.figures.sum(),
    machine: `${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}, PostgreSQL ${postgres}`,
  };
  say(JSON.stringify(summary, null, 2));
}
