/** @import { Key } from '../src/core/contracts.ts' */
import { element } from './dom.js';

/** The style shows only the beginning of a long value; its title is the whole value. */
const longestShown = 40;

/**
 * A key is text from others: bdi keeps a value that is written from right to left from reordering the text
 * around it.
 * @param {Key} key
 */
export function keyElement(key) {
  const parts = Object.entries(key).flatMap(([column, value]) => [
    element('span', 'column', column),
    ' ',
    value === null ? element('i', '', 'NULL') : valueElement(value),
    ' ',
  ]);
  return element('span', 'one', ...(parts.length > 0 ? parts : ['everything']));
}

/** @param {string} value */
function valueElement(value) {
  const made = element('bdi', '', value);
  if (value.length > longestShown) made.title = value;
  return made;
}
