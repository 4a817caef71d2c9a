import { chmodSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { buildDebianPackage } from '../package/build-debian-package.ts';
import { type LaunchedServer, launchServer } from '../postgres/launch.ts';
import { type Block, blocksOf, toPattern } from './blocks.ts';
import { runOnMachine, type StepResult, whyNoMachine } from './machine.ts';

/** doc/operating.md, followed step by step on a throw-away machine. */

const blocks = blocksOf(readFileSync('doc/operating.md', 'utf8'));
const tried = blocks.filter(({ notTried, triedIn }) => notTried === undefined && triedIn === undefined);

const obstacle = whyNoMachine(['apt-get', 'dh', 'svscan', 'tai64nlocal', 'runsvdir', 'svlogd']);
if (obstacle) console.warn(`SKIPPED: the commands of doc/operating.md are not tried: ${obstacle}`);

let server: LaunchedServer;
let results: StepResult[];

beforeAll(async () => {
  if (obstacle) return;
  server = await launchServer();
  chmodSync(server.host, 0o711);
  const steps = tried.map((block) => ({ ...block, text: atLeisure(block) }));
  const folder = mkdtempSync(join(tmpdir(), 'uncached-operating-'));
  results = runOnMachine(steps, { server: server.host, debianPackage: buildDebianPackage(folder) });
  rmSync(folder, { recursive: true });
}, 600_000);
afterAll(() => server?.stop());

/** A reader gives one command after the other more slowly than a script: machine.sh waits before some. */
function atLeisure({ language, text }: Block): string {
  if (language !== 'sh') return text;
  return text.replace(/^.*\buncached (status|drain)\b/gm, (line, command) => `ready_for ${command}\n${line}`);
}

describe.skipIf(obstacle)('doc/operating.md', () => {
  it.each(tried.map((block, at) => ({ ...block, at, first: block.text.trim().split('\n').at(-1) ?? '' })))(
    '$heading: $first',
    ({ at, prints }) => {
      const { code, out, err } = results[at] ?? { code: '', out: '', err: '' };
      expect(code, `${out}\n${err}`).toBe('0');
      if (prints !== undefined) expect(out).toMatch(toPattern(prints));
    },
  );
});

it('says of few blocks that they are not tried, and of each why', () => {
  const reasons = blocks.flatMap(({ notTried }) => notTried ?? []);
  expect(blocks.length - reasons.length).toBeGreaterThan(reasons.length);
});
