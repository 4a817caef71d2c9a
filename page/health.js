/** @import { Level, Status } from '../src/core/daemon-status.ts' */
import { byId, element, keep, say } from './dom.js';
import { count, dateAndTime, duration, time, unknown, zone } from './words.js';

/** @type {Readonly<Record<Level | 'unknown', string>>} */
const words = { ok: 'OK', warning: 'Warning', critical: 'Critical', unknown: 'Unreachable' };

/** @type {Readonly<Record<Level | 'unknown', string>>} */
const colours = { ok: '#1b9e5a', warning: '#d98a00', critical: '#d93030', unknown: '#8895a3' };

const well = [{ text: 'Listening. Changes are cleared at once.' }];

/** @param {Status} status */
export function showHealth(status) {
  const { health, problems, handlers, heartbeatAgeMs, countsAgeMs, reconnects, version, at, startedAt } =
    status;
  const { thresholds } = status;
  /** @param {(one: Status['handlers'][number]) => number} of */
  const sum = (of) => handlers.reduce((total, one) => total + of(one), 0);
  const lagMs = Math.max(0, ...handlers.map((one) => one.lagAtLeastMs));
  const failing = sum((one) => one.failing);
  const never = countsAgeMs === null;
  const uncounted = handlers.some(({ backlog }) => backlog === null);
  const unaged = never || handlers.some(({ lagMs }) => lagMs === null);
  const lagClass = classOfLag(lagMs, thresholds) || (unaged ? 'late' : '');

  showLevel(health, problems.length > 0 ? problems : well);
  say(
    byId('backlog'),
    never || uncounted ? unknown : count(sum((one) => one.backlog ?? 0)),
    uncounted ? 'bad' : '',
  );
  say(byId('lag'), unaged ? unknown : duration(lagMs), lagClass);
  say(byId('failing-rows'), never ? unknown : count(failing), failing > 0 ? 'bad' : '');
  say(byId('files'), count(sum((one) => one.clearedFiles)));
  say(byId('heartbeat'), heartbeatAgeMs === null ? 'none yet' : `${duration(heartbeatAgeMs)} ago`);
  say(byId('reconnects'), count(reconnects));
  say(byId('version'), version);
  say(byId('started'), `started ${dateAndTime(startedAt)}`, 'end');
  const old = countsAgeMs !== null && countsAgeMs > 5_000 ? `, counted ${duration(countsAgeMs)} ago` : '';
  say(byId('clock'), `live at ${time(at)} ${zone}${old}`, 'end');
  showIdentity(status.daemon);
}

/** @param {Status['daemon']} daemon */
function showIdentity({ host, pid, database, root, configurationFile }) {
  const facts = { host, process: `${pid}`, database, root, configuration: configurationFile };
  keep(
    byId('identity'),
    Object.entries(facts),
    ([name]) => name,
    ([name]) => element('div', '', element('dt', '', name), ' ', element('dd')),
    (item, [, text]) => {
      if (item.lastElementChild) say(item.lastElementChild, text);
    },
  );
}

/** The daemon does not answer: the numbers stay, but are out of date. */
export function showLost() {
  showLevel('unknown', [
    { text: 'The daemon does not answer: it is stopped or restarting, or the network is down.' },
  ]);
  const clock = byId('clock');
  say(clock, clock.textContent.replace('live at', 'last seen at'), 'end');
}

/**
 * @param {number} ms
 * @param {Status['thresholds']} thresholds
 */
export function classOfLag(ms, { warningMs, criticalMs }) {
  return ms >= criticalMs ? 'bad' : ms >= warningMs ? 'late' : '';
}

/**
 * @param {Level | 'unknown'} level
 * @param {readonly { level?: Level, text: string }[]} reasons
 */
function showLevel(level, reasons) {
  const word = words[level];
  document.body.dataset.level = level;
  say(byId('word'), word);
  keep(
    byId('reasons'),
    reasons,
    // A problem whose age grows stays the same item.
    ({ text }) => text.replace(/\d+/g, '0'),
    () => element('li'),
    (item, { level = '', text }) => say(item, text, level),
  );
  const title = `${word} · uncached`;
  if (document.title === title) return;
  document.title = title;
  const dot = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="${colours[level]}"/></svg>`;
  byId('icon').setAttribute('href', `data:image/svg+xml,${encodeURIComponent(dot)}`);
}
