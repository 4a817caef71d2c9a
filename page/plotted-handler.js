/** @import { Sample } from '../src/core/daemon-status.ts' */
/** @import { Sample as Plotted } from './plot.js' */
import { element, keep } from './dom.js';

/** The value of the choice for all of them: no handler has an empty name. */
const all = '';

/** The daemon sends no more than this many separately. */
const mostHandlers = 50;

/**
 * Lets the user choose the handler whose plots are drawn.
 * @param {HTMLElement} field
 * @param {() => void} onChange
 */
export function handlerChoice(field, onChange) {
  const select = /** @type {HTMLSelectElement} */ (field.querySelector('select'));
  select.addEventListener('change', onChange);
  return {
    /** @param {readonly string[]} handlers */
    offer(handlers) {
      field.hidden = handlers.length < 2;
      const offered = handlers.slice(0, mostHandlers);
      const before = select.value;
      keep(select, [all, ...offered], (name) => name, makeOption);
      if (select.value !== before) onChange();
    },
    /**
     * Numbers that are not sent for a handler are zero.
     * @param {Sample} sample
     * @returns {Plotted}
     */
    of(sample) {
      const { at, handlers } = sample;
      if (select.value === all) return sample;
      return {
        at,
        backlog: 0,
        files: 0,
        ...(Object.hasOwn(handlers, select.value) && handlers[select.value]),
      };
    },
  };
}

/** @param {string} name */
function makeOption(name) {
  const option = element('option', '', name === all ? 'all handlers' : name);
  option.setAttribute('value', name);
  return option;
}
