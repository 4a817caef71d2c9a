/** Numbers and times as text for an operator. */

const plain = new Intl.NumberFormat('en');

/** The time zone of every time on the page: the browser's. */
export const zone = new Intl.DateTimeFormat().resolvedOptions().timeZone;

/** Shown in place of an unknown number. */
export const unknown = '–';

/** @param {number} value */
export function count(value) {
  return plain.format(value).replaceAll(',', '\u202f');
}

/**
 * @param {number} value
 * @param {string} one
 * @param {string} many
 */
export function several(value, one, many) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/**
 * Two significant digits, in the unit that fits: `8.3 ms`, `1.2 s`, `94 s`, `5 min 12 s`, `3 h 20 min`.
 * @param {number} ms
 */
export function duration(ms) {
  if (ms === 0) return '0 s';
  if (ms < 10) return `${round(ms, 1)} ms`;
  if (ms < 1_000) return `${round(ms, 0)} ms`;
  const seconds = ms / 1_000;
  if (seconds < 120) return `${round(seconds, seconds < 10 ? 1 : 0)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return two(minutes, 'min', Math.floor(seconds % 60), 's', minutes < 10);
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return two(hours, 'h', minutes % 60, 'min', true);
  return two(Math.floor(hours / 24), 'd', hours % 24, 'h', true);
}

/** @param {number} at milliseconds since 1970 */
export function time(at) {
  return new Date(at).toLocaleTimeString('en-GB');
}

/** @param {number} at milliseconds since 1970 */
export function dateAndTime(at) {
  return `${new Date(at).toLocaleDateString('en-CA')} ${time(at)}`;
}

/**
 * @param {number} value
 * @param {number} places
 */
function round(value, places) {
  return String(Number(value.toFixed(places)));
}

/**
 * @param {number} large
 * @param {string} unit
 * @param {number} small
 * @param {string} smallUnit
 * @param {boolean} both
 */
function two(large, unit, small, smallUnit, both) {
  return both && small > 0 ? `${large} ${unit} ${small} ${smallUnit}` : `${large} ${unit}`;
}
