import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspect, load } from '../../src/config/load.ts';
import { freshportsDatabase, freshportsDirs } from '../fp-listen-ini.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'uncached-environment-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

const native = '[cache]\nroot = /var/cache/site\n[handler.news]\nclear[] = news/*\n';
const fpListen = freshportsDatabase + freshportsDirs();

function write(text: string): string {
  const path = join(folder, 'uncached.ini');
  writeFileSync(path, text);
  return path;
}

const all = {
  UNCACHED_SETTLE: '30s',
  UNCACHED_SWEEP: '2m',
  UNCACHED_LISTEN: 'no',
  UNCACHED_HINTS: 'no',
  UNCACHED_POLL: '3s',
  UNCACHED_HEARTBEAT: '5s',
  UNCACHED_EXPIRE: '2h',
  UNCACHED_KEEP: '0s',
  UNCACHED_BATCH: '10',
  UNCACHED_LOG: 'debug',
  UNCACHED_HTTP_LISTEN: '9797',
};

describe('the environment', () => {
  it.each([
    ['an fp-listen.ini', fpListen],
    ['an uncached.ini', native],
  ])('sets what %s does not', (_what, text) => {
    const { configuration, notices, origins } = load(write(text), all);
    expect(configuration).toMatchObject({
      cache: { settleMs: 30_000 },
      daemon: {
        sweepMs: 120_000,
        listens: false,
        hints: false,
        pollMs: 3_000,
        heartbeatMs: 5_000,
        expireMs: 7_200_000,
        keepMs: 0,
        batch: 10,
        log: 'debug',
      },
      http: { listen: { host: '127.0.0.1', port: 9797 } },
    });
    expect(notices).toEqual([]);
    expect(origins).toHaveLength(11);
    expect(origins[0]).toBe('[cache] settle comes from UNCACHED_SETTLE in the environment');
  });

  it('leaves each default where it is empty', () => {
    const empty = Object.fromEntries(Object.keys(all).map((name) => [name, '']));
    const path = write(native);
    expect(load(path, empty)).toEqual(load(path, {}));
  });

  it('goes after the file, which is no secret', () => {
    const path = write(`${native}[daemon]\nsweep = 1m\nbatch = 10\n`);
    const { configuration, notices, origins } = load(path, {
      UNCACHED_SWEEP: '2m',
      UNCACHED_BATCH: '10',
    });
    expect(configuration.daemon).toMatchObject({ sweepMs: 60_000, batch: 10 });
    expect(notices).toEqual(['UNCACHED_SWEEP=2m has no effect: line 6 sets [daemon] sweep']);
    expect(origins).toEqual([]);
  });

  it('reports its problems by the name of the variable, together with those of the file', () => {
    const path = write(`${native}[database]\nhots = x\n`);
    expect(inspect(path, { UNCACHED_SETTLE: '10', UNCACHED_LOG: 'loud' }).problems).toEqual([
      `${path}: line 6: [database] hots is unknown, did you mean "host"?`,
      'UNCACHED_SETTLE=10 in the environment: must be a time with its unit, such as 500ms, 10s, 5m or 1h',
      'UNCACHED_LOG=loud in the environment: must be one of debug, info, warn, error',
    ]);
  });

  it('is asked for misspelt names, and for no others', () => {
    const { notices, problems } = inspect(write(native), {
      UNCACHED_SETLE: '1s',
      UNCACHED_CONFIG: 'x',
      UNCACHED_PORT: 'tcp://10.0.0.1:80',
      UNCACHED_SERVICE_PORT: '80',
      PATH: '/bin',
    });
    expect(problems).toEqual([]);
    expect(notices).toEqual([
      'the environment variable UNCACHED_SETLE means nothing, did you mean "UNCACHED_SETTLE"?',
    ]);
  });
});
