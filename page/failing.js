/** @import { FailingRow } from '../src/core/consumer-contract.ts' */
/** @import { DaemonIdentity, Status } from '../src/core/daemon-status.ts' */
import { commandElement, commandFor, showCommand } from './command.js';
import { byId, element, keep, say } from './dom.js';
import { keyElement } from './key.js';
import { count, duration, several } from './words.js';

/**
 * Rows that fail in the same way.
 * @typedef {{ key: string, error: string, rows: [FailingRow, ...FailingRow[]] }} Group
 */

/** Up to this many rows are shown; more of them on request. */
const fewRows = 3;

/** @param {Status} status */
export function showFailing({ failingRows, handlers, daemon }) {
  const all = handlers.reduce((sum, one) => sum + one.failing + one.invalid, 0);
  byId('failing').hidden = all === 0;
  const part = all > failingRows.length ? `: the oldest ${failingRows.length} of ${count(all)}` : '';
  say(byId('failing-title'), `Failing${part}`);
  say(byId('failing-host'), daemon.host);
  keep(
    byId('failing-list'),
    groupsOf(failingRows),
    ({ key }) => key,
    makeGroup,
    (item, group) => showGroup(item, group, daemon),
  );
}

/** @param {Group} group */
function makeGroup({ rows }) {
  const details = element('details', '', element('summary'), element('ul', 'rows'));
  if (rows.length <= fewRows) details.setAttribute('open', '');
  return element('li', '', element('div', 'error'), details, commandElement(), commandElement());
}

/**
 * @param {HTMLElement} item
 * @param {Group} group
 * @param {DaemonIdentity} daemon
 */
function showGroup(item, { error, rows }, daemon) {
  const [first] = rows;
  const [message, details, retry, drop] = item.children;
  const [summary, list] = details?.children ?? [];
  if (!message || !summary || !list) return;
  say(message, rows.length === 1 ? first.error : error, 'error');
  say(summary, `${several(rows.length, 'row', 'rows')} of ${first.handler}, ${nextOf(rows)}`);
  keep(list, rows, ({ consumer, id }) => `${id} ${consumer}`, makeRow, showRow);
  // A row may fail in several caches.
  const ids = new Set(rows.map(({ id }) => id));
  showCommand(retry, commandFor(daemon, 'failing', 'retry', ...ids));
  showCommand(drop, commandFor(daemon, 'failing', 'drop', ...ids));
}

/** @param {FailingRow} row */
function makeRow({ id, key }) {
  const name = element('span', 'key', element('span', 'column', `${id}`), ' ', keyElement(key));
  return element('li', '', name, ' ', element('span', 'tries'));
}

/**
 * @param {HTMLElement} item
 * @param {FailingRow} row
 */
function showRow(item, { attempts, ageMs, invalid }) {
  const tries = item.lastElementChild;
  const age = duration(ageMs);
  if (tries) say(tries, invalid ? `for ${age}` : `${several(attempts, 'try', 'tries')} in ${age}`, 'tries');
}

/** @param {readonly FailingRow[]} rows */
function nextOf(rows) {
  if (rows.every(({ invalid }) => invalid)) {
    return 'an invalid key: cleared as far as possible, and not retried';
  }
  const soonest = Math.min(...rows.map(({ retryMs }) => retryMs ?? 0));
  return soonest <= 0 ? 'retried now' : `next retry in ${duration(soonest)}`;
}

/**
 * @param {readonly FailingRow[]} rows
 * @returns {Group[]}
 */
function groupsOf(rows) {
  /** @type {Map<string, Group>} */
  const groups = new Map();
  for (const row of rows) {
    const error = shapeOf(row);
    const key = `${row.handler} ${row.invalid} ${error}`;
    const group = groups.get(key);
    if (group) group.rows.push(row);
    else groups.set(key, { key, error, rows: [row] });
  }
  return [...groups.values()];
}

/**
 * The error with the name of the column in place of the key's value: a full disk is one error, though each
 * row names another path.
 * @param {FailingRow} row
 */
function shapeOf({ error, key }) {
  const columns = new Map(Object.entries(key).map(([column, value]) => [value, column]));
  return error
    .split(/([^\p{L}\p{N}_-]+)/u)
    .map((word) => (columns.has(word) ? `{${columns.get(word)}}` : word))
    .join('');
}
