/** A ratio, the goal for it, and the measured value. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly bound: { readonly atMost: number } | { readonly atLeast: number };
  readonly unit: string;
}

export function atMost(bound: number, what: string, value: number, unit = '×'): Figure {
  return { what, value, bound: { atMost: bound }, unit };
}

export function atLeast(bound: number, what: string, value: number, unit = '×'): Figure {
  return { what, value, bound: { atLeast: bound }, unit };
}

export function isReached({ value, bound }: Figure): boolean {
  return 'atMost' in bound ? value <= bound.atMost : value >= bound.atLeast;
}
