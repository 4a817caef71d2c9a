/** @import { Status } from '../src/core/daemon-status.ts' */
import { byId, element, keep, say } from './dom.js';
import { classOfLag } from './health.js';
import { count, duration, several, unknown } from './words.js';

/** @typedef {Status['handlers'][number]} Handler */

/** @typedef {Status['thresholds']} Thresholds */

/**
 * @type {readonly [column: string, text: (one: Handler, now: number) => string, className?: (one: Handler,
 *   thresholds: Thresholds) => string][]}
 */
const columns = [
  [
    'backlog',
    ({ backlog }) => (backlog === null ? unknown : count(backlog)),
    ({ backlog }) => (backlog === null ? 'bad' : noneIf(backlog)),
  ],
  [
    'lag',
    ({ lagMs }) => (lagMs === null ? unknown : duration(lagMs)),
    ({ lagMs, lagAtLeastMs }, thresholds) =>
      classOfLag(lagAtLeastMs, thresholds) || (lagMs === null ? 'late' : noneIf(lagMs)),
  ],
  ['claimed', ({ claimed }) => count(claimed), ({ claimed }) => noneIf(claimed)],
  ['settling', ({ settling }) => count(settling), ({ settling }) => noneIf(settling)],
  ['failing', ({ failing }) => count(failing), ({ failing }) => (failing > 0 ? 'bad' : 'none')],
  ['cleared', ({ clearedEntries }) => count(clearedEntries), ({ clearedEntries }) => noneIf(clearedEntries)],
  ['files', ({ clearedFiles }) => count(clearedFiles), ({ clearedFiles }) => noneIf(clearedFiles)],
  [
    'last',
    ({ lastClearedAt }, now) =>
      lastClearedAt === null ? '–' : `${duration(Math.max(0, now - lastClearedAt))} ago`,
    ({ lastClearedAt }) => (lastClearedAt === null ? 'none' : ''),
  ],
];

/** @type {Readonly<Record<Handler['state'], string>>} */
const states = { configured: '', disabled: ' (disabled)', unknown: ' (not configured)' };

/** @param {number} value */
function noneIf(value) {
  return value === 0 ? 'none' : '';
}

/** @param {Status} status */
export function showHandlers({ handlers, at, thresholds }) {
  keep(
    /** @type {Element} */ (byId('handlers').querySelector('tbody')),
    handlers,
    ({ handler }) => handler,
    ({ handler }) => {
      const name = element(
        'th',
        '',
        element('div', 'who', element('bdi', '', handler), element('span', 'state')),
        element('div', 'error'),
      );
      name.setAttribute('scope', 'row');
      return element('tr', '', name, ...columns.map(([column]) => cell(column)));
    },
    (row, handler) => {
      columns.forEach(([, text, className], index) => {
        const shown = row.children[index + 1];
        if (shown) say(shown, text(handler, at), className?.(handler, thresholds));
      });
      const state = row.querySelector('.state');
      if (state) say(state, states[handler.state], 'state');
      const problem = row.querySelector('.error');
      if (problem) say(problem, errorsOf(handler), 'error');
    },
  );
}

/**
 * Its problem, and the error of one of its failing rows.
 * @param {Handler} one
 */
function errorsOf({ handler, problem, failing, error }) {
  // Its name is in its row.
  const own = problem?.startsWith(`${handler}: `) ? problem.slice(handler.length + 2) : problem;
  const failed =
    failing > 0 && error !== null ? `${several(failing, 'row', 'rows')} failing: ${error}` : null;
  return [own, failed].filter((text) => text !== null).join('; ');
}

/** @param {string} column */
function cell(column) {
  const made = element('td');
  made.dataset.column = column;
  return made;
}
