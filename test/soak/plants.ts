import { type Edit, editedMain, mutations } from '../stress/mutate.ts';

export const plants = ['memory', 'descriptors', 'connections', 'stale', 'unpurged'] as const;

/** A fault to plant: a leak of each kind, a clearing that is left out, or caches that are not purged (site.ts). */
export type Plant = (typeof plants)[number];

const edits: Readonly<Record<Plant, readonly Edit[]>> = {
  // An array that grows with each row.
  memory: [
    {
      file: 'clearing/first-round.js',
      from: "observe({ kind: 'batch-done'",
      to: `(globalThis.planted ??= []).push(...rows.map(() => 'x'.repeat(2_000).split('')));
           observe({ kind: 'batch-done'`,
    },
  ],
  // Five at each SIGHUP, of which a run of some minutes has few.
  descriptors: [
    {
      file: 'cli/reload.js',
      from: 'this.#waiting ??= loadAll(file);',
      to: `this.#waiting ??= loadAll(file);
           for (let n = 0; n < 5; n++) (await import('node:fs')).openSync('/dev/null');`,
    },
  ],
  connections: [{ file: 'cli/run.js', from: 'await within(closeMs, app.close());', to: ';' }],
  stale: [mutations['no-second-clearing']],
  unpurged: [],
};

/** The main.js of a daemon with this fault. */
export const plantedMain = (plant: Plant | undefined) => editedMain(plant ? edits[plant] : []);
