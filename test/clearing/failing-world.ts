import type { FailingRowsOfConsumer } from '../../src/core/consumer-contract.ts';
import type { LogRow } from '../../src/core/contracts.ts';

interface Failing extends LogRow {
  attempts: number;
  invalid: boolean;
  cohort: number | undefined;
  /** Undefined: it does not wait for a retry. */
  retryAt: number | undefined;
}

interface Surroundings {
  readonly now: number;
  readonly rows: readonly LogRow[];
  called<Result>(name: string, said: string, answer: () => Result): Promise<Result>;
}

/** Rows in uncached.failing of one consumer. A retry is due a second after the failure. */
export class FailingWorld {
  readonly all = new Map<number, Failing>();
  readonly #world: Surroundings;

  constructor(world: Surroundings) {
    this.#world = world;
  }

  has(id: number): boolean {
    return this.all.has(id);
  }

  /** As short text: the id, then what happens to it. */
  get state(): string[] {
    return [...this.all.values()]
      .sort((one, other) => one.id - other.id)
      .map(({ id, invalid, cohort, retryAt }) =>
        [id, ...(invalid ? ['invalid'] : []), cohort ? `in ${cohort}` : retryAt === undefined ? '' : 'waits']
          .filter((part) => part !== '')
          .join(' '),
      );
  }

  get rows(): FailingRowsOfConsumer {
    const keep = (ids: readonly number[], change: (row: Failing) => void) => {
      for (const id of ids) {
        const row = this.all.get(id) ?? this.#fromLog(id);
        if (!row) continue;
        change(row);
        this.all.set(id, row);
      }
    };
    const called = this.#world.called.bind(this.#world);
    const idsOf = (rows: readonly { id: number }[]) => rows.map(({ id }) => id);
    return {
      add: (failures) =>
        called('fail', `${idsOf(failures)}`, () => {
          keep(idsOf(failures), (row) => {
            Object.assign(row, { attempts: row.attempts + 1, invalid: false, cohort: undefined });
            row.retryAt = this.#world.now + 1_000;
          });
          return 1_000;
        }),
      keepInvalid: (failures) =>
        called('keep invalid', `${idsOf(failures)}`, () =>
          keep(idsOf(failures), (row) => {
            Object.assign(row, { invalid: true, cohort: undefined, retryAt: undefined });
          }),
        ),
      keepOrphans: ({ after, upTo }, handlers) =>
        called('keep orphans', `${after} to ${upTo} of ${handlers}`, () => {
          const rows = this.#world.rows.filter(({ id }) => id > after && id <= upTo);
          keep(idsOf(rows.filter(({ handler }) => handlers.includes(handler))), () => {});
        }),
      due: (limit) =>
        called('due', '', () => {
          const waiting = [...this.all.values()].filter(({ retryAt }) => retryAt !== undefined);
          const isDue = ({ retryAt }: Failing) => (retryAt ?? 0) <= this.#world.now;
          const later = waiting
            .filter((row) => !isDue(row))
            .map(({ retryAt }) => (retryAt ?? 0) - this.#world.now);
          return {
            rows: waiting
              .filter(isDue)
              .slice(0, limit)
              .map(({ id, handler, key, invalid }) => ({ id, handler, key, invalid })),
            nextMs: later.length > 0 ? Math.min(...later) : null,
          };
        }),
      settleLater: (ids, cohort) =>
        called('settle later', `${ids} in ${cohort}`, () =>
          keep(ids, (row) => Object.assign(row, { cohort, retryAt: undefined })),
        ),
      inCohorts: (cohorts, after) =>
        called('in cohorts', `${cohorts}`, () =>
          [...this.all.values()]
            .filter(({ id, cohort }) => id > after && cohorts.includes(cohort ?? 0))
            .sort((one, other) => one.id - other.id)
            .slice(0, 2)
            .map(({ id, handler, key, invalid }) => ({ id, handler, key, invalid })),
        ),
      passOn: (ids) => called('pass on', `${ids}`, () => {}),
      remove: (ids, cohorts) =>
        called('remove', `${ids}`, () => {
          for (const id of ids) if (cohorts.includes(this.all.get(id)?.cohort ?? 0)) this.all.delete(id);
        }),
      restart: (which) =>
        called('restart', which, () => {
          for (const row of this.all.values())
            if (which === 'all' || row.cohort !== undefined)
              Object.assign(row, { cohort: undefined, retryAt: this.#world.now });
        }),
    };
  }

  #fromLog(id: number): Failing | undefined {
    const row = this.#world.rows.find((candidate) => candidate.id === id);
    return row && { ...row, attempts: 0, invalid: false, cohort: undefined, retryAt: undefined };
  }
}
