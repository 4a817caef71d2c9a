import { renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { eventually } from '../faults/eventually.ts';
import { type LaunchedServer, launchServer } from '../postgres/launch.ts';
import { makeTemplate } from '../postgres/template.ts';
import { likelyAlertOn } from './rules.ts';
import { green } from './run.ts';
import { Stand } from './stand.ts';
import { served } from './views.ts';

process.env.PGSSLMODE = 'disable';

let server: LaunchedServer;
let stand: Stand;

beforeAll(async () => {
  server = await launchServer();
  await makeTemplate(server);
  stand = await Stand.open(server);
  await stand.start();
  await green(stand);
}, 600_000);
afterAll(async () => {
  await stand.close();
  await server.stop();
});

interface Sample {
  readonly at: number;
  /** Whether the page, /readyz and the metrics came in time. */
  readonly isAnswered: boolean;
  /** For status, the page, /readyz and the rules. */
  readonly critical: readonly boolean[];
  readonly says: readonly string[];
}

async function sample(): Promise<Sample> {
  const at = performance.now();
  const [{ code, text }, { page, readyz, metrics }] = await Promise.all([stand.status(), served(stand)]);
  return {
    at,
    isAnswered: page !== undefined && readyz !== undefined && metrics !== undefined,
    critical: [
      code === 2,
      page?.health === 'critical',
      readyz?.code === 503,
      likelyAlertOn(metrics) === 'UncachedCritical',
    ],
    says: [
      text.split('\n')[0] ?? '',
      page?.problems.map((problem) => problem.text).join('; ') ?? '',
      readyz?.body ?? '',
    ],
  };
}

/** A machine that is too busy to answer within this time cannot show differences of a second. */
const promptMs = 400;

/**
 * Checks ten times a second. One second after the first of them becomes critical, all must be. Resolves when
 * they have been, at least once.
 */
async function expectAllCritical(): Promise<void> {
  let since = Number.POSITIVE_INFINITY;
  let isJudged = false;
  while (!isJudged || performance.now() - since < 3_000) {
    const { at, critical } = await sample();
    const isPrompt = performance.now() - at < promptMs;
    if (critical.includes(true)) since = Math.min(since, at);
    if (at > since + 1_000 && isPrompt) {
      expect(critical).toEqual([true, true, true, true]);
      isJudged = true;
    }
    await wait(100);
  }
}

/** All of them show this reason, and no other. */
async function expectReason(says: RegExp, not: RegExp): Promise<void> {
  let last: Sample | undefined;
  await eventually(
    `said by all: ${says}`,
    async () => {
      last = await sample();
      if (!last.isAnswered) return undefined;
      expect(last.critical).toEqual([true, true, true, true]);
      return last.says.every((words) => says.test(words) && !not.test(words)) || undefined;
    },
    async () => JSON.stringify(last),
  );
}

it('with PostgreSQL down, status, page, /readyz and rules agree within a second, and show the current reason', {
  timeout: 600_000,
}, async () => {
  await server.kill();
  await expectAllCritical();
  await expectReason(/is PostgreSQL running/, /shuts this user out/);

  const hba = join(server.host, 'data/pg_hba.conf');
  renameSync(hba, `${hba}.right`);
  writeFileSync(hba, `local all ${stand.role} reject\nlocal all all trust\n`);
  await server.restart();
  await expectReason(/shuts this user out/, /is PostgreSQL running/);

  renameSync(`${hba}.right`, hba);
  await stand.query('SELECT pg_reload_conf()');
  await green(stand);
});
