export type Key = 'b' | 'I' | 'J';

/** J inherits from I, if that edge is there, and I from b, whose data changes. */
export interface Graph {
  readonly ji: boolean;
  readonly ib: boolean;
  readonly data: number;
}

/** What a transaction changes: the data of b, the edge from I to b, or that from J to I. */
export type Change = 'data' | 'ib' | 'ji';

/** What each enqueues. */
export const keyOf = { data: 'b', ib: 'I', ji: 'J' } as const;

/** What the page of J shows. */
export function shown({ ji, ib, data }: Graph): string {
  return ji ? (ib ? `J, I, data ${data}` : 'J, I') : 'J';
}

export function dependents({ ji, ib }: Graph, key: Key): Key[] {
  const ofI: Key[] = ji ? ['I', 'J'] : ['I'];
  return key === 'J' ? ['J'] : key === 'I' ? ofI : ['b', ...(ib ? ofI : [])];
}

export function applied(graph: Graph, change: Change): Graph {
  return change === 'data' ? { ...graph, data: graph.data + 1 } : { ...graph, [change]: !graph[change] };
}
