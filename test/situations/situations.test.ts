import { afterAll, beforeAll, expect, inject, it, vi } from 'vitest';
import { type LaunchedServer, launchServer } from '../postgres/launch.ts';
import { makeTemplate } from '../postgres/template.ts';
import { groupsOn } from './groups.ts';
import { misjudging, type Row } from './row.ts';
import { green, rowOf, tell } from './run.ts';
import type { Situation } from './situation.ts';
import { Stand } from './stand.ts';
import { publish, published } from './table.ts';

vi.setConfig({ maxConcurrency: 5 });
// `status` runs in this process.
process.env.PGSSLMODE = 'disable';

/** Whether to rewrite the table of doc/reliability.md instead of comparing with it. */
const isWriting = process.env.SITUATIONS === 'write';
const expected = published();
const rows = new Map<string, Row>();
const well: Situation = { name: '*all is well*', cause: async () => {}, says: /0 entries waiting/ };
let own: LaunchedServer;
const groups = groupsOn(() => own).filter(({ situations }) => situations.length > 0);

beforeAll(async () => {
  own = await launchServer();
  await makeTemplate(own);
});
afterAll(async () => {
  await own.stop();
  if (!isWriting) return;
  const all = groups.flatMap(({ situations }) => situations);
  const rowsOf = (those: readonly Situation[]) =>
    new Map(those.flatMap(({ name }) => [...rows].filter(([known]) => known === name)));
  const isStopped = ({ goesOn, elsewhere, isWell }: Situation) => !goesOn && !elsewhere && !isWell;
  publish({
    stopped: rowsOf([well, ...all.filter(({ isWell }) => isWell), ...all.filter(isStopped)]),
    goesOn: rowsOf(all.filter(({ goesOn }) => goesOn)),
    elsewhere: rowsOf(all.filter(({ elsewhere }) => elsewhere)),
  });
});

it.concurrent.each(groups)(
  '$title: nothing is green in it, and all is when it is over',
  { timeout: 600_000 },
  async (group) => {
    const stand = await Stand.open(group.own ? own : inject('postgres'), group.options);
    const problems: unknown[] = [];
    try {
      await stand.start();
      await green(stand);
      if (group === groups[0]) await expectWell(stand);
      for (const situation of group.situations)
        await one(stand, situation).catch((error: Error) => {
          if (!isWriting) throw error;
          problems.push(`${situation.name}: ${error.message}`);
        });
    } finally {
      await stand.close();
    }
    expect(problems.join('\n')).toBe('');
  },
);

/** The first row of the table: every view shows green, with these texts. */
async function expectWell(stand: Stand): Promise<void> {
  const row = isWriting ? await rowOf(well, stand) : await tell(well, stand, expected.get(well.name));
  rows.set(well.name, row);
  if (!isWriting) expect(row).toEqual(expected.get(well.name));
}

async function one(stand: Stand, situation: Situation): Promise<void> {
  const { name, mend } = situation;
  if (!isWriting) expect([...expected.keys()]).toContain(name);
  try {
    const row = await tell(situation, stand, isWriting ? undefined : expected.get(name));
    rows.set(name, row);
    expect(misjudging(situation, row), name).toEqual([]);
  } finally {
    await mend?.(stand);
  }
  if (mend) await green(stand);
}
