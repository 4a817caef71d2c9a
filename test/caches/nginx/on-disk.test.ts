import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { database, site } from '../../cli/site-and-database.ts';
import { eventually } from '../../faults/eventually.ts';
import { iniFor } from '../../site.ts';
import { startUncached, uncached } from '../../uncached.ts';

const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
url[] = /{category}/{port}/
`;

/** A zone, its configuration, and a program in the place of `sync`, which fails where a directory is not there. */
function make(script = '') {
  const folder = dirname(site.root);
  const zone = join(folder, 'zone');
  const calls = join(folder, 'calls');
  const bin = join(folder, 'bin');
  for (const directory of [zone, bin]) mkdirSync(directory);
  writeFileSync(
    join(bin, 'sync'),
    `#!/bin/sh\necho "$*" >> ${calls}\n[ -z "$2" ] || [ -d "$2" ] || exit 1\n${script}\n`,
  );
  chmodSync(join(bin, 'sync'), 0o755);
  const more = `[nginx.pages]\npath = ${zone}\nkey[] = k{url}\n`;
  return {
    zone,
    file: site.configure(iniFor(site, database.config, { handlers, more })),
    env: { PATH: `${bin}:${process.env.PATH}` },
    synced() {
      const lines = existsSync(calls) ? readFileSync(calls, 'utf8').split('\n').slice(0, -1) : [];
      rmSync(calls, { force: true });
      return lines.sort();
    },
  };
}

type Made = ReturnType<typeof make>;

function marker(): { clean?: boolean } {
  const path = join(site.root, '.uncached');
  return existsSync(path) ? JSON.parse(readFileSync(path, 'utf8')) : {};
}

/** Starts a daemon and stops it in order. Returns the events in its log. */
async function runOnce({ file, env }: Made): Promise<string[]> {
  const daemon = startUncached(file, env);
  try {
    await eventually(
      'a marker',
      async () => marker().clean === false || undefined,
      async () => JSON.stringify(daemon.log.slice(-10)),
    );
    expect(await daemon.stop()).toBe(0);
    return daemon.log.map(({ event }) => event);
  } finally {
    await daemon.stop('SIGKILL');
  }
}

it('the end is marked as clean when root and the zone are on the disk', async () => {
  const made = make();
  const both = [`-f ${site.root}`, `-f ${made.zone}`].sort();
  await runOnce(made);
  expect(made.synced()).toEqual(both);
  expect(marker().clean).toBe(true);
  expect((await uncached(['--config', made.file, 'drain'], made.env)).code).toBe(0);
  expect(made.synced()).toEqual(both);
  expect(marker().clean).toBe(true);
});

it('the end is not marked as clean when the zone cannot be put on the disk', async () => {
  const made = make(`[ "$*" = "-f ${site.root}" ]`);
  expect(await runOnce(made)).toContain('marker-failed');
  expect(marker().clean).toBe(false);
});

it('a zone that is away does not keep the end from being clean', async () => {
  const made = make();
  rmSync(made.zone, { recursive: true });
  await runOnce(made);
  // Its deletion may not be on the disk: all file systems are written.
  expect(made.synced()).toContain('');
  expect(marker().clean).toBe(true);
});
