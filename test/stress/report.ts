/** A broken guarantee. */
export interface Violation {
  readonly what: string;
  /** The pages concerned. */
  readonly paths: readonly string[];
  readonly detail: string;
  readonly at: number;
}

/** Figures of each process, summed at the end. A killed process has sent its figures up to then. */
class Figures {
  readonly #all = new Map<string, Readonly<Record<string, number>>>();
  readonly #own: Record<string, number> = {};

  of(process: string, figures: Readonly<Record<string, number>>): void {
    this.#all.set(process, figures);
  }

  count(figure: string, by = 1): void {
    this.#own[figure] = (this.#own[figure] ?? 0) + by;
  }

  most(figure: string, value: number): void {
    this.#own[figure] = Math.max(this.#own[figure] ?? 0, value);
  }

  sum(): Record<string, number> {
    const sum: Record<string, number> = { ...this.#own };
    for (const figures of this.#all.values()) {
      for (const [name, value] of Object.entries(figures)) sum[name] = (sum[name] ?? 0) + value;
    }
    return Object.fromEntries(Object.entries(sum).sort(([a], [b]) => (a < b ? -1 : 1)));
  }
}

/** A completely broken daemon must not fill the disk. */
const keptViolations = 1_000;

/** The results of a run so far. */
export class Report {
  readonly figures = new Figures();
  readonly violations: Violation[] = [];

  violation(what: string, paths: readonly string[], detail: string): void {
    if (this.violations.length < keptViolations)
      this.violations.push({ what, paths, detail, at: Date.now() });
  }

  /** Counts by kind. Kinds that are checked for are listed even at 0. */
  counts(): Record<string, number> {
    const counts: Record<string, number> = { stale: 0, torn: 0, outside: 0, stuck: 0, leaked: 0, fault: 0 };
    for (const { what } of this.violations) counts[what] = (counts[what] ?? 0) + 1;
    return counts;
  }
}
