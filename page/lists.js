/** @import { FailingRow, Key } from '../src/core/contracts.ts' */
/** @import { Clearing, Status } from '../src/core/status.ts' */
import { byId, element, keep, say } from './dom.js';
import { classOfLag } from './health.js';
import { count, duration, several, time } from './words.js';

/** @typedef {Status['handlers'][number]} Handler */

/** @type {readonly [column: string, text: (one: Handler, now: number) => string, className?: (one: Handler) => string][]} */
const columns = [
  ['backlog', ({ backlog }) => count(backlog), ({ backlog }) => noneIf(backlog)],
  [
    'lag',
    ({ lagMs }) => (lagMs > 0 ? duration(lagMs) : '–'),
    ({ lagMs }) => classOfLag(lagMs) || (lagMs > 0 ? '' : 'none'),
  ],
  ['claimed', ({ claimed }) => count(claimed), ({ claimed }) => noneIf(claimed)],
  ['settling', ({ settling }) => count(settling), ({ settling }) => noneIf(settling)],
  ['failing', ({ failing }) => count(failing), ({ failing }) => (failing > 0 ? 'bad' : 'none')],
  ['cleared', ({ entries }) => count(entries), ({ entries }) => noneIf(entries)],
  ['files', ({ files }) => count(files), ({ files }) => noneIf(files)],
  [
    'last',
    ({ clearedAt }, now) => (clearedAt === null ? '–' : `${duration(Math.max(0, now - clearedAt))} ago`),
    ({ clearedAt }) => (clearedAt === null ? 'none' : ''),
  ],
];

/** @param {number} value */
function noneIf(value) {
  return value === 0 ? 'none' : '';
}

/** @param {Status} status */
export function showHandlers({ handlers, at }) {
  keep(
    /** @type {Element} */ (byId('handlers').querySelector('tbody')),
    handlers,
    ({ handler }) => handler,
    ({ handler, configured }) => {
      const name = element('th', '', element('bdi', '', handler), configured ? '' : ' (not configured)');
      name.setAttribute('scope', 'row');
      return element('tr', '', name, ...columns.map(([column]) => cell(column)));
    },
    (row, handler) => {
      columns.forEach(([, text, className], index) => {
        const shown = row.children[index + 1];
        if (shown) say(shown, text(handler, at), className?.(handler));
      });
    },
  );
}

/** @param {string} column */
function cell(column) {
  const made = element('td');
  made.dataset.column = column;
  return made;
}

/** @param {readonly Clearing[]} clearings */
export function showClearings(clearings) {
  byId('no-clearings').hidden = clearings.length > 0;
  keep(
    byId('clearings'),
    clearings,
    ({ id, at }) => `${id} ${at}`,
    ({ at, handler, keys, examples, files, lagMs }) => {
      const more =
        keys > examples.length
          ? [element('span', 'column', `and ${count(keys - examples.length)} more`)]
          : [];
      return element(
        'li',
        '',
        element('span', 'time', time(at)),
        element('span', 'handler', element('bdi', '', handler)),
        element('span', 'key', ...examples.map(inWords), ...more),
        element('span', 'files', several(files, 'file', 'files')),
        element(
          'span',
          `after ${lagMs === null ? '' : classOfLag(lagMs)}`,
          lagMs === null ? '' : `after ${duration(lagMs)}`,
        ),
      );
    },
  );
}

/**
 * @param {readonly FailingRow[]} failing
 * @param {readonly Handler[]} handlers
 */
export function showFailing(failing, handlers) {
  const all = handlers.reduce((sum, one) => sum + one.failing, 0);
  byId('failing').hidden = all === 0;
  say(
    byId('failing-title'),
    all > failing.length ? `Failing: the oldest ${failing.length} of ${count(all)}` : 'Failing',
  );
  keep(
    byId('failing-list'),
    failing,
    ({ id }) => String(id),
    ({ id, handler, key }) =>
      element(
        'li',
        '',
        element(
          'div',
          'key',
          element('span', 'column', `${id}`),
          ' ',
          element('bdi', '', handler),
          ' ',
          inWords(key),
        ),
        element('div', 'error'),
        element('div', 'tries'),
      ),
    (item, { error, attempts, ageMs, retryMs }) => {
      const next = retryMs === null || retryMs <= 0 ? 'now' : `in ${duration(retryMs)}`;
      const [, message, tries] = item.children;
      if (message) say(message, error, 'error');
      if (tries)
        say(tries, `${several(attempts, 'try', 'tries')} in ${duration(ageMs)}, the next ${next}`, 'tries');
    },
  );
}

/**
 * A key is other people's text: bdi keeps a value that is written from right to left from turning what stands beside it.
 * @param {Key} key
 */
function inWords(key) {
  const parts = Object.entries(key).flatMap(([column, value]) => [
    element('span', 'column', column),
    ' ',
    value === null ? element('i', '', 'NULL') : element('bdi', '', value),
    ' ',
  ]);
  return element('span', 'one', ...(parts.length > 0 ? parts : ['everything']));
}
