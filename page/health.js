/** @import { Level, Status } from '../src/core/status.ts' */
import { byId, element, keep, say } from './dom.js';
import { count, dateAndTime, duration, time } from './words.js';

/** @type {Readonly<Record<Level | 'unknown', string>>} */
const words = { ok: 'Well', warning: 'Warning', critical: 'Critical', unknown: 'Gone' };

/** @type {Readonly<Record<Level | 'unknown', string>>} */
const colours = { ok: '#1b9e5a', warning: '#d98a00', critical: '#d93030', unknown: '#8895a3' };

/** @param {Status} status */
export function showHealth(status) {
  const { level, reasons, handlers, heartbeatAgeMs, countedAgeMs, reconnects, version, at, startedAt } =
    status;
  /** @param {(one: Status['handlers'][number]) => number} of */
  const sum = (of) => handlers.reduce((total, one) => total + of(one), 0);
  const lagMs = Math.max(0, ...handlers.map((one) => one.lagMs));
  const failing = sum((one) => one.failing);

  showLevel(level, reasons.length > 0 ? reasons : ['Listening. Whatever changes is cleared at once.']);
  say(byId('backlog'), count(sum((one) => one.backlog)));
  say(byId('lag'), duration(lagMs), classOfLag(lagMs));
  say(byId('failing-rows'), count(failing), failing > 0 ? 'bad' : '');
  say(byId('files'), count(sum((one) => one.files)));
  say(byId('heartbeat'), heartbeatAgeMs === null ? 'none yet' : `${duration(heartbeatAgeMs)} ago`);
  say(byId('reconnects'), count(reconnects));
  say(byId('version'), version);
  say(byId('started'), `started ${dateAndTime(startedAt)}`, 'end');
  const old = countedAgeMs !== null && countedAgeMs > 5_000 ? `, counted ${duration(countedAgeMs)} ago` : '';
  say(byId('clock'), `live at ${time(at)}${old}`, 'end');
}

/** The daemon does not answer: the numbers stay, and are no longer true. */
export function showLost() {
  showLevel('unknown', [
    'The daemon does not answer: it is stopped or starting anew, or the network is gone.',
  ]);
  const clock = byId('clock');
  say(clock, clock.textContent.replace('live at', 'last seen at'), 'end');
}

/** @param {number} ms */
export function classOfLag(ms) {
  return ms >= 60_000 ? 'bad' : ms >= 3_000 ? 'late' : '';
}

/**
 * @param {Level | 'unknown'} level
 * @param {readonly string[]} reasons
 */
function showLevel(level, reasons) {
  const word = words[level];
  document.body.dataset.level = level;
  say(byId('word'), word);
  keep(byId('reasons'), reasons, String, (reason) => element('li', '', reason));
  const title = `${word} · uncached`;
  if (document.title === title) return;
  document.title = title;
  const dot = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16"><circle cx="8" cy="8" r="7" fill="${colours[level]}"/></svg>`;
  byId('icon').setAttribute('href', `data:image/svg+xml,${encodeURIComponent(dot)}`);
}
