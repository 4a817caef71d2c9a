import { cpus, loadavg } from 'node:os';
import { readOptions, say } from '../command-line.ts';
import { withClient } from '../postgres/connection.ts';
import { writeEvidence } from '../stress/evidence.ts';
import { Report } from '../stress/report.ts';
import { buildWorld, type World } from '../stress/world.ts';
import { parseOptions, usage } from './options.ts';
import { plantedMain } from './plants.ts';
import { soak } from './rounds.ts';
import { measures, Sampler } from './sample.ts';
import { foreignOf, openSite, type Site, siteSql } from './site.ts';

/**
 * The soak: the day of a site, compressed. Exits with 1 if a page is stale, a daemon leaks, its log has an error that
 * nothing explains, or it ends by itself.
 */
const begun = performance.now();
const report = new Report();
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => interrupted.abort());

const options = readOptions(parseOptions, usage);
const { seed, minutes, plant } = options;
say(`seed ${seed}: ${process.argv.slice(2).join(' ')}`);
// Every wait should have a deadline. If one has none, this ends the run, and its processes end with it.
setTimeout(
  () => {
    report.violation('fault', [], 'the run does not come to its end');
    summarize();
    process.exit(1);
  },
  minutes * 60_000 + 420_000,
).unref();

let site: Site | undefined;
const sampler = new Sampler();
const world = await buildWorld(options, report, {
  main: plantedMain(plant),
  extra: (number) => site?.extra(number) ?? { more: '', handlers: '', foreign: foreignOf(number) },
});
try {
  await withClient(world.connection, (client) => client.query(siteSql));
  site = await openSite(world, { settleMs: options.settleMs, purged: plant !== 'unpurged' });
  await soak({ world, site, sampler, options, report, interrupted: interrupted.signal, say });
  if (report.violations.length === 0) judge();
  await explain(world);
} finally {
  await site?.close();
  await world.close(report.violations.length > 0);
}
summarize();
process.exit(report.violations.length > 0 ? 1 : 0);

function judge(): void {
  const verdicts = sampler.verdicts();
  for (const measure of measures) {
    const { flat, medians, samples } = verdicts[measure];
    const [before, after] = medians;
    const found = `${measure}: ${before.toFixed(1)} in the second third, ${after.toFixed(1)} in the last, ${samples} samples`;
    if (flat === false) report.violation('leak', [], found);
    say(`${found}: ${flat === undefined ? 'too few to judge' : flat ? 'flat' : 'GROWS'}`);
  }
}

async function explain(of: World): Promise<void> {
  for (const [n, violation] of report.violations.slice(0, 10).entries()) {
    say(`${violation.what}: ${violation.detail}`);
    say(`  all that is known of it: ${await writeEvidence(of, violation, n + 1)}`);
  }
}

function summarize(): void {
  const summary = {
    seed,
    minutes,
    plant: plant ?? 'none',
    seconds: Math.round((performance.now() - begun) / 1_000),
    violations: report.counts(),
    series: sampler.verdicts(),
    figures: report.figures.sum(),
    load: loadavg().map((one) => Number(one.toFixed(1))),
    machine: `${cpus().length} × ${cpus()[0]?.model}, Node ${process.version}, PostgreSQL ${world.server.version}`,
  };
  say(JSON.stringify(summary, null, 2));
}
