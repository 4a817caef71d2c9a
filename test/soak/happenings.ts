import type { Random } from '../random.ts';
import { administration } from './administration.ts';
import { operation } from './operation.ts';
import { type Happening, pause, type Stage } from './stage.ts';

const all = [...administration, ...operation].flatMap((one) =>
  Array.from({ length: one.weight ?? 1 }, () => one),
);

/** So often per second of load. */
const perSecond = 0.4;

/** What can happen to a site, in an order that the seed decides. Everything happens once before anything does again. */
export class Happenings {
  readonly #random: Random;
  #bag: Happening[] = [];
  /** Events of the log that are right, because of what has happened since the last quiet point. */
  readonly excused = new Set<string>();

  constructor(random: Random) {
    this.#random = random;
  }

  /** Resolves when all have ended. Some happen at the same time. */
  async during(loadMs: number, stage: Stage): Promise<void> {
    const count = Math.max(1, Math.round((loadMs / 1_000) * perSecond));
    await Promise.all(
      Array.from({ length: count }, async () => {
        const one = this.#draw();
        await pause(stage, 0, loadMs * 0.8);
        if (!stage.signal.aborted) await this.#happen(one, stage);
      }),
    );
  }

  async #happen({ name, excuses = [], run }: Happening, stage: Stage): Promise<void> {
    for (const event of excuses) this.excused.add(event);
    try {
      await run(stage);
      stage.report.figures.count(name);
    } catch (error) {
      const { code, message, stack } = error as Error & { code?: string };
      if (isExpected(code, message)) stage.report.figures.count(`${name}, given up`);
      else stage.report.violation('fault', [], `${name}: ${stack}`);
    }
  }

  #draw(): Happening {
    if (this.#bag.length === 0)
      this.#bag = all
        .map((one) => ({ one, at: this.#random.next() }))
        .sort((a, b) => a.at - b.at)
        .map(({ one }) => one);
    return this.#bag.pop() as Happening;
  }
}

/** An administrator's statement may wait too long for a lock, end a deadlock, or lose its server. */
function isExpected(code: string | undefined, message: string): boolean {
  return (
    ['55P03', '40P01', '57P01', '57P02', '57P03', 'ECONNREFUSED', 'ECONNRESET', 'ENOENT'].includes(
      code ?? '',
    ) || /Connection terminated|not queryable/.test(message)
  );
}
