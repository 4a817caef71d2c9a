import { parseArgs } from 'node:util';
import { launchServer } from '../postgres/launch.ts';
import { makeTemplate } from '../postgres/template.ts';
import { seeded } from '../random.ts';
import { publish, quantile, toTable } from './figures.ts';
import { rage } from './storm.ts';
import { expectWhole } from './whole.ts';
import { World } from './world.ts';

/**
 * The long form: many random kills and cuts in one run, while producers work. Fails when a guarantee is
 * broken.
 */
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    kills: { type: 'string', default: '1000' },
    /** The file for the figures. None by default, since a short run is no measurement. */
    write: { type: 'string' },
  },
});
const { seed } = values;
const kills = Number(values.kills);
const longestMs = 15_000;
const medianMs = 2_000;

const server = await launchServer();
const releases: (() => unknown)[] = [() => server.stop()];
try {
  await makeTemplate(server);
  const world = await World.open(server, { heartbeat: '10s', command: true });
  releases.push(() => world.close());
  await world.start();
  await measure(world);
} catch (error) {
  // Printed now: because of this error the cleanup below may report open connections.
  console.error(error);
  process.exitCode = 1;
} finally {
  for (const release of releases.reverse()) await release();
}

async function measure(world: World): Promise<void> {
  say(`${kills} faults, seed ${seed}`);
  const recoveries = new Map<string, number[]>();
  let struck = 0;
  const entries = await rage({
    server,
    world,
    kills,
    random: seeded(seed),
    onBlow({ fault, where, ms }) {
      recoveries.set(fault, [...(recoveries.get(fault) ?? []), ms]);
      struck += 1;
      if (ms > medianMs || struck % 50 === 0) say(`${struck}: ${fault} (${where}): ${Math.round(ms)} ms`);
    },
  });
  await expectWhole(world);

  const all = [...recoveries.values()].flat();
  const table = toTable(recoveries);
  say(`${table}\n${entries} entries enqueued meanwhile: 0 lost, 0 stuck`);
  if (values.write !== undefined) publish(values.write, inWords(entries, table));
  if (Math.max(...all) > longestMs || quantile(all, 0.5) > medianMs) {
    say(`Too slow: ${longestMs} ms at most, ${medianMs} ms in the median are promised`);
    process.exitCode = 1;
  }
}

function inWords(entries: number, table: string): string {
  return `\`npm run test:faults -- --seed ${seed} --kills ${kills} --write doc/reliability.md\`, PostgreSQL ${server.version}, Node.js ${process.version},
${new Date().toISOString().slice(0, 10)}: ${kills} faults, half of them in a named phase of the daemon's work, before or after the server has seen its request, while two
producers committed ${entries} entries. **0 were lost, 0 stuck.** Recovery is counted from the fault's end until an entry committed right then is
cleared. A half-open listener stays so for good: it is noticed by the heartbeat, after \`heartbeat\` + 2 s at most.

${table}`;
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}
