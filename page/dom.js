/** Text goes into the page only as text: nothing in this folder parses HTML. */

/**
 * @param {string} id
 * @returns {HTMLElement}
 */
export function byId(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error(`Cannot find #${id}: index.html does not have it`);
  return element;
}

/**
 * @param {string} name
 * @param {string} [className]
 * @param {...(string | Node)} children
 * @returns {HTMLElement}
 */
export function element(name, className, ...children) {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
}

/**
 * @param {string} name
 * @param {Readonly<Record<string, string | number>>} attributes
 * @param {...(string | Node)} children
 * @returns {SVGElement}
 */
export function svg(name, attributes, ...children) {
  const made = document.createElementNS('http://www.w3.org/2000/svg', name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, String(value));
  made.append(...children);
  return made;
}

/**
 * Changes only what differs: a selection in the rest stays.
 * @param {Element} element
 * @param {string} text
 * @param {string} [className]
 */
export function say(element, text, className = '') {
  if (element.textContent !== text) element.textContent = text;
  if (element.className !== className) element.className = className;
}

/**
 * Makes the children match the items, in their order. Items that were there keep their element.
 * @template T
 * @param {Element} parent
 * @param {readonly T[]} items
 * @param {(item: T) => string} keyOf
 * @param {(item: T) => HTMLElement} make
 * @param {(element: HTMLElement, item: T) => void} [update]
 */
export function keep(parent, items, keyOf, make, update = () => {}) {
  const gone = new Set(parent.children);
  const before = new Map(
    [...parent.children].map((child) => [/** @type {HTMLElement} */ (child).dataset.key, child]),
  );
  items.forEach((item, index) => {
    const key = keyOf(item);
    let child = /** @type {HTMLElement | undefined} */ (before.get(key));
    before.delete(key);
    if (!child) {
      child = make(item);
      child.dataset.key = key;
    }
    gone.delete(child);
    update(child, item);
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
  });
  for (const child of gone) child.remove();
}
