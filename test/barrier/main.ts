import { randomInt } from 'node:crypto';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { createDatabase } from '../postgres/database.ts';
import { launchServer } from '../postgres/launch.ts';
import { versions } from '../postgres/versions.ts';
import { measureLatencies, percentile } from './latency.ts';
import { formatFigures, runStress } from './stress.ts';

/**
 * The barrier under load, for as long as is wanted, and how long an announcement takes at rest. Exits with 1 where a
 * promise is broken: something stale announced, a change missed, or an announcement that takes more than three times
 * as long as the clearing.
 */
const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string', default: String(randomInt(2 ** 32)) },
    events: { type: 'string', default: '150' },
    postgres: { type: 'string' },
  },
});
const binaries = versions().find(({ major }) => String(major) === values.postgres)?.binaries;
if (values.postgres !== undefined && binaries === undefined)
  throw new Error(`PostgreSQL ${values.postgres} is not installed in test/postgres/versions`);
const server = await launchServer(binaries === undefined ? {} : { binaries });
let failed = false;
try {
  say(
    `seed ${values.seed}; ${cpus().length} × ${cpus()[0]?.model}, PostgreSQL ${server.version}, load ${loadavg()[0]}`,
  );
  if (Number(values.events) > 0) {
    const database = await createDatabase(server);
    const latencies = await measureLatencies(database.config, Number(values.events));
    for (const [name, all] of Object.entries(latencies))
      say(
        `commit to ${name}: p50 ${percentile(all, 0.5).toFixed(1)} ms, p99 ${percentile(all, 0.99).toFixed(1)} ms`,
      );
    const ratio = percentile(latencies.announced, 0.5) / percentile(latencies.gone, 0.5);
    say(`announced: ${ratio.toFixed(2)} times the clearing`);
    failed ||= ratio > 3;
    await database.drop();
  }
  if (Number(values.minutes) > 0) {
    const database = await createDatabase(server);
    const figures = await runStress(database.config, {
      seed: values.seed,
      seconds: Number(values.minutes) * 60,
    });
    say(formatFigures(figures));
    failed ||= figures.staleAtRest > 0;
    for (const { reader, stale, missed, inTime } of figures.readers)
      failed ||= reader.isRight
        ? stale + missed > 0 || inTime === 0
        : (reader.isSurelyWrong ?? false) && stale === 0;
    await database.drop();
  }
  say(`load ${loadavg()[0]}: ${failed ? 'FAILED' : 'passed'}`);
} finally {
  await server.stop();
}
process.exit(failed ? 1 : 0);

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
