import { execFile, spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { projectRoot } from '../postgres/project-root.ts';
import { isCleared } from './events.ts';
import { freshPorts } from './incident.ts';
import { predecessorMissing } from './predecessor.ts';
import { below, tree } from './tree.ts';
import type { FreshPorts } from './world.ts';

const psqlMissing = spawnSync('psql', ['--version']).status !== 0;
if (psqlMissing)
  console.warn(
    'NOT TESTED: the move of doc/freshports.md, for psql is missing: apt-get install postgresql-client',
  );

// An administrator's shell is on the host where the cache is mounted. Here the cache is one directory.
const at = freshPorts({ mounted: false });
const doc = readFileSync(join(projectRoot, 'doc/freshports.md'), 'utf8');
const steps = [...doc.matchAll(/^\d+\. (.*(?:\n {2,}.*)*)/gm)].map(([, text = '']) => text);

it.skipIf(psqlMissing || predecessorMissing)(
  'the ten lines of the move, there and back, as they stand in doc/freshports.md',
  { timeout: 300_000 },
  async () => {
    const { site } = at;
    const run = shell(site);
    /** The daemon reports a moment later that it listens. */
    const saysOk = async (line: string) => {
      const ask = () => run(line).catch((error: { stdout: string }) => error.stdout);
      await eventually('OK', async () => (/^UNCACHED OK/.test(await ask()) ? true : undefined), ask);
    };
    await run(`uncached schema --uninstall | psql -q -v ON_ERROR_STOP=1 -d freshports.org`);
    // A role belongs to the server and remains after the test.
    await site.query('postgres', 'REVOKE uncached FROM listening');
    const old = await site.startPredecessor();

    await run(command(2, 'uncached schema'));
    await run(command(3, 'psql'));
    // The only problem of this site is a junk row in listen_for.
    const check = await run(command(4, 'uncached')).catch((error: { stdout: string }) => error.stdout);
    expect(check).toMatch(/\n?listen_for: channel packages_cache_clear .*\n1 problem/);
    await site.touch(1);
    await old.until('port_updated: done');

    await old.stop();
    await site.touch(2);
    const daemon = await site.startUncached({ asItIs: true });
    await site.gone(...below('ports/www/apache24/'));
    site.write(tree);
    await run(command(8, 'psql'));
    await site.gone(...below('ports/x11/plasma/', 'categories/x11/', 'categories/kde/', 'news/'));
    expect((await daemon.until('clearing', isCleared('listen_port'))).msg).toBe('cleared listen_port');
    await saysOk(command(9, 'uncached'));
    await run(command(9, 'psql'));
    const copy = 'sed "s/^DBUSER .*/DBUSER = reporting/" $CONF > $CONF.nagios; CONF=$CONF.nagios;';
    await saysOk(`${copy} ${command(9, 'uncached')}`);

    await daemon.stop();
    await run(command(10, 'uncached'));
    expect(await site.unsettled()).toEqual([]);
    const again = await site.startPredecessor();
    await site.touch(1);
    await again.until('port_updated: done');
    expect(below('ports/www/nginx/').filter((page) => site.has(page))).toEqual([]);
  },
);

/** The command in the step that begins with this text, run as the user who would type it. */
function command(step: number, beginning: string): string {
  const spans = [...(steps[step - 1] ?? '').matchAll(/`([^`]+)`/g)].map(([, span = '']) => span);
  const commands = spans
    .flatMap((span) => span.split('; '))
    .map((line) => line.replace(/^su -m freshports -c "(.*)"$/, '$1').replace(' -h DBHOST', ''));
  const found = commands.find((command) => command.startsWith(beginning));
  if (found === undefined) throw new Error(`Cannot try step ${step}: it has no ${beginning} command`);
  return found;
}

/** An administrator's shell on the web host. */
function shell(site: FreshPorts): (line: string) => Promise<string> {
  const bin = join(dirname(site.site.root), 'bin');
  const program = join(bin, 'uncached');
  writeFileSync(
    program,
    `#!/bin/sh\nexec "${process.execPath}" "${join(projectRoot, 'dist/program/main.js')}" "$@"\n`,
  );
  chmodSync(program, 0o755);
  const { host, port, user } = site.administrator;
  const env = {
    ...process.env,
    PATH: `${bin}:${process.env.PATH}`,
    CONF: site.configure({ asItIs: true }),
    PGHOST: host,
    PGPORT: String(port),
    PGUSER: user,
  };
  return async (line) => (await promisify(execFile)('bash', ['-o', 'pipefail', '-ec', line], { env })).stdout;
}
