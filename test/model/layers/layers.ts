import type { Model, Step } from '../explore.ts';

/**
 * Caches in front of each other: layer 0 is the page files, and visitors reach each layer through the next. The
 * data changes once, from version 0 to 1, and the daemon walks through a protocol. What has to hold: when the
 * daemon is done and no response is on its way, no layer has version 0.
 */
export interface State {
  readonly data: 0 | 1;
  /** The version that each layer holds; null: none. */
  readonly layers: readonly (0 | 1 | null)[];
  readonly responses: readonly Response[];
  /** How many steps of the protocol are done. */
  readonly done: number;
}

/** On its way outwards. It may end anywhere, and stores its version in each layer that it passes. */
interface Response {
  readonly version: 0 | 1;
  /** The next layer that it reaches. */
  readonly at: number;
  /** It was rendered from the data, and not given by a layer. */
  readonly rendered: boolean;
  /** It was on its way already when the daemon cleared something last. */
  readonly old: boolean;
}

/**
 * `settle`: until whoever read the data before the change has stored or given up. `lag`: until every response that
 * was on its way at the last clearing has ended.
 */
export type ProtocolStep = number | 'settle' | 'lag';

export function layersModel(
  protocol: readonly ProtocolStep[],
  { layers, responses }: { layers: number; responses: number },
): Model<State> {
  return {
    start: { data: 0, layers: Array<null>(layers).fill(null), responses: [], done: 0 },
    next: (state) => [
      ...change(state),
      ...visits(state, responses),
      ...arrivals(state),
      ...daemon(state, protocol[state.done]),
    ],
    broken: ({ data, layers: held, responses: left, done }) =>
      data === 1 && done === protocol.length && left.length === 0 && held.includes(0)
        ? `layer ${held.indexOf(0)} serves what is stale, and nobody will clear it`
        : undefined,
  };
}

function change(state: State): Step<State>[] {
  return state.data === 0 ? [{ label: 'the change is committed', state: { ...state, data: 1 } }] : [];
}

function visits(state: State, most: number): Step<State>[] {
  const { data, layers, responses } = state;
  if (responses.length === most) return [];
  const begin = (response: Response) => ({ ...state, responses: inOrder([...responses, response]) });
  const rendered = {
    label: `a page is rendered from version ${data}`,
    state: begin({ version: data, at: 0, rendered: true, old: false }),
  };
  const given = layers.flatMap((version, at) =>
    version === null || at === layers.length - 1
      ? []
      : [
          {
            label: `layer ${at + 1} asks layer ${at}, which has version ${version}`,
            state: begin({ version, at: at + 1, rendered: false, old: false }),
          },
        ],
  );
  return [rendered, ...given];
}

function arrivals(state: State): Step<State>[] {
  return state.responses.flatMap((response, nth) => {
    const rest = state.responses.filter((_, other) => other !== nth);
    const { at, version } = response;
    const layers = state.layers.with(at, version);
    const isLast = at === layers.length - 1;
    const left = isLast ? rest : inOrder([...rest, { ...response, at: at + 1 }]);
    return [
      { label: 'a response ends', state: { ...state, responses: rest } },
      { label: `layer ${at} stores version ${version}`, state: { ...state, layers, responses: left } },
    ];
  });
}

/** It learns of the change when that is committed. */
function daemon(state: State, step: ProtocolStep | undefined): Step<State>[] {
  const { data, responses, done } = state;
  if (step === undefined || data === 0) return [];
  const go = (label: string, changed: Partial<State> = {}) => [
    { label, state: { ...state, ...changed, done: done + 1 } },
  ];
  if (step === 'settle')
    return responses.some(({ rendered, version }) => rendered && version === 0) ? [] : go('settled');
  if (step === 'lag') return responses.some(({ old }) => old) ? [] : go('the lag has passed');
  return go(`layer ${step} is cleared`, {
    layers: state.layers.with(step, null),
    responses: inOrder(responses.map((response) => ({ ...response, old: true }))),
  });
}

/** Which response is which makes no difference. */
function inOrder(responses: Response[]): Response[] {
  return responses.toSorted((one, other) => (JSON.stringify(one) < JSON.stringify(other) ? -1 : 1));
}
