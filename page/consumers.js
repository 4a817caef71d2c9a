/** @import { Status } from '../src/core/daemon-status.ts' */
import { byId, element, keep, say } from './dom.js';
import { classOfLag } from './health.js';
import { count, duration } from './words.js';

/** @typedef {Status['consumers'][number]} Consumer */

/**
 * @type {readonly [column: string, text: (one: Consumer) => string, className?: (one: Consumer,
 *   thresholds: Status['thresholds']) => string][]}
 */
const columns = [
  [
    'state',
    ({ state, problem }) => (/^(down|throttled)\b/.exec(problem ?? '') ?? [state])[0],
    ({ state, problem }) =>
      problem?.startsWith('down ') ? 'bad' : state === 'live' && !problem ? '' : 'late',
  ],
  ['behind', ({ behind }) => count(behind), ({ behind }) => (behind === 0 ? 'none' : '')],
  [
    'lag',
    ({ lagMs }) => (lagMs === null ? '–' : duration(lagMs)),
    ({ lagMs }, thresholds) => (lagMs === null ? 'none' : classOfLag(lagMs, thresholds)),
  ],
  ['settling', ({ unsettled, behind }) => count(Math.max(0, unsettled - behind))],
  ['failing', ({ failing }) => count(failing), ({ failing }) => (failing > 0 ? 'bad' : 'none')],
  ['seen', ({ seenMs }) => `${duration(seenMs)} ago`],
  ['version', ({ version }) => version ?? '–'],
];

/**
 * The caches of every node. One of its own says nothing that the handlers do not say.
 * @param {Status} status
 */
export function showConsumers({ consumers, thresholds }) {
  const section = byId('consumers');
  section.hidden = consumers.length < 2;
  keep(
    /** @type {Element} */ (section.querySelector('tbody')),
    consumers,
    ({ id }) => id,
    (one) => {
      const name = element(
        'th',
        '',
        element('div', 'who', element('bdi', '', nameOf(one))),
        element('div', 'error'),
      );
      name.setAttribute('scope', 'row');
      return element('tr', '', name, ...columns.map(([column]) => cell(column)));
    },
    (row, one) => {
      columns.forEach(([, text, className], index) => {
        const shown = row.children[index + 1];
        if (shown) say(shown, text(one), className?.(one, thresholds));
      });
      const problem = row.querySelector('.error');
      if (problem) say(problem, one.problem ?? '', 'error');
    },
  );
}

/** @param {Consumer} one */
function nameOf({ kind, name, node, place }) {
  const called = name === kind ? kind : `${kind} ${name}`;
  return [called, ...(node ? [`on ${node}`] : []), ...(place ? [`(${place})`] : [])].join(' ');
}

/** @param {string} column */
function cell(column) {
  const made = element('td');
  made.dataset.column = column;
  return made;
}
