import { didYouMean } from './suggest.ts';

/** Where a cache beyond the page files stands. */
export interface Layer {
  /** Its section, such as `purge.varnish`. */
  readonly section: string;
  /** The section behind which it stands: visitors reach that cache through this one. Undefined: the page files. */
  readonly after: string | undefined;
  /** After it is cleared it may answer once more with what it had. */
  readonly answersStale?: boolean;
}

/**
 * `lag`, if a section has none: longer than the cache behind takes to answer from what it had, and together
 * with the settle time longer than a slow render and its transfer.
 */
export function defaultLagMs(settleMs: number): number {
  return Math.max(leastLagMs, longestRenderMs - settleMs);
}

const leastLagMs = 2_000;
const longestRenderMs = 12_000;

/** Every `after` that leads nowhere, in a circle, or to a cache behind which no other is safe. */
export function layerProblems(layers: readonly Layer[]): string[] {
  const names = layers.map(({ section }) => section);
  const problems: string[] = [];
  const wrong = new Set<Layer>();
  for (const layer of layers) {
    const { section, after } = layer;
    if (after === undefined) continue;
    const behind = layers.find((other) => other.section === after);
    if (!behind) {
      problems.push(`[${section}] after = ${after}: there is no such section${didYouMean(after, names)}`);
      wrong.add(layer);
    } else if (behind.answersStale) {
      problems.push(
        `[${section}] after = ${after}: that one has how = soft, so it answers once more with the old page, which would be stored here for good: set how = spoil there`,
      );
    }
  }
  const left = layers.filter((layer) => !wrong.has(layer));
  const placed = innerFirst(left);
  const circle = left.filter((layer) => !placed.includes(layer));
  if (circle.length > 0)
    problems.push(
      `${circle.map(({ section }) => `[${section}]`).join(', ')}: "after" leads in a circle, or to a section that is wrong`,
    );
  return problems;
}

/** Each behind the section that it names as `after`. Those that cannot be placed are left out. */
export function innerFirst<Placed extends Pick<Layer, 'section' | 'after'>>(
  placed: readonly Placed[],
): Placed[] {
  const ordered: Placed[] = [];
  const known = new Set<string | undefined>([undefined]);
  for (let left = [...placed]; left.length > 0; ) {
    const next = left.filter(({ after }) => known.has(after));
    if (next.length === 0) break;
    for (const one of next) {
      known.add(one.section);
      ordered.push(one);
    }
    left = left.filter((one) => !next.includes(one));
  }
  return ordered;
}
