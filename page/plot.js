/** @import { SampleNumbers } from '../src/core/daemon-status.ts' */
import { element, svg } from './dom.js';
import { time } from './words.js';

/** @typedef {SampleNumbers & { at: number }} Sample */

/**
 * Where things are drawn: `x` of a time, and the edges, in pixels.
 * @typedef {{ left: number, right: number, top: number, bottom: number, sampleWidth: number, x: (at: number)
 *   => number }} Frame
 */

/**
 * @typedef {object} Subject
 * @property {string} title
 * @property {(samples: readonly Sample[]) => string} sum what stands beside the title, and is read out
 * @property {(sample: Sample) => string} tell what one sample shows
 * @property {(frame: Frame, samples: readonly Sample[]) => SVGElement[]} draw
 */

const minuteMs = 60_000;
const sampleMs = 10_000;

/** The plot spans the first of these that contains all samples. */
const spansMs = [5, 15, 30, 60].map((minutes) => minutes * minuteMs);

/**
 * A plot of the last hour. Pointer and arrow keys show a single sample.
 * @param {HTMLElement} figure
 * @param {Subject} subject
 * @returns {(samples: readonly Sample[]) => void}
 */
export function plot(figure, { title, sum, tell, draw }) {
  const readout = element('output');
  const canvas = svg('svg', { tabindex: 0, role: 'img' });
  const cursor = svg('line', { class: 'cursor' });
  figure.append(element('figcaption', '', element('span', '', title), readout), canvas);
  /** @type {readonly Sample[]} */
  let samples = [];
  /** @type {number | undefined} */
  let chosen;

  function redraw() {
    const frame = frameOf(canvas, samples);
    canvas.replaceChildren(...timeAxis(frame, samples), ...draw(frame, samples), cursor);
    point();
  }

  /** Shows the chosen sample, or all of them. */
  function point() {
    const sample = samples.find(({ at }) => at === chosen);
    const words = sum(samples);
    canvas.setAttribute('aria-label', `${title}: ${words}`);
    readout.textContent = sample ? `${time(sample.at)}  ${tell(sample)}` : words;
    cursor.setAttribute('visibility', sample ? 'visible' : 'hidden');
    if (!sample) return;
    const frame = frameOf(canvas, samples);
    const x = frame.x(sample.at);
    for (const [name, value] of Object.entries({ x1: x, x2: x, y1: frame.top, y2: frame.bottom })) {
      cursor.setAttribute(name, String(value));
    }
  }

  /** @param {number | undefined} at */
  function choose(at) {
    chosen = at;
    point();
  }

  canvas.addEventListener('pointermove', (event) => {
    const { x } = frameOf(canvas, samples);
    const away = (/** @type {Sample} */ { at }) =>
      Math.abs(x(at) - (event.clientX - canvas.getBoundingClientRect().left));
    choose(samples.reduce((best, one) => (!best || away(one) < away(best) ? one : best), samples[0])?.at);
  });
  canvas.addEventListener('pointerleave', () => choose(undefined));
  canvas.addEventListener('blur', () => choose(undefined));
  canvas.addEventListener('keydown', (event) => {
    const last = samples.length - 1;
    const index = samples.findIndex(({ at }) => at === chosen);
    const next = {
      ArrowLeft: Math.max(0, (index === -1 ? last + 1 : index) - 1),
      ArrowRight: index === -1 ? last : Math.min(last, index + 1),
      Home: 0,
      End: last,
      Escape: -1,
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    choose(samples[next]?.at);
  });
  new ResizeObserver(redraw).observe(canvas);

  return (all) => {
    samples = all;
    redraw();
  };
}

/**
 * @param {SVGElement} canvas
 * @param {readonly Sample[]} samples
 * @returns {Frame}
 */
function frameOf(canvas, samples) {
  const { width, height } = canvas.getBoundingClientRect();
  const left = 48;
  const right = Math.max(left + 1, width - 4);
  const { from, to } = spanOf(samples);
  const x = (/** @type {number} */ at) => left + ((at - from) / (to - from)) * (right - left);
  return { left, right, top: 8, bottom: height - 22, sampleWidth: x(from + sampleMs) - left, x };
}

/** @param {readonly Sample[]} samples */
function spanOf(samples) {
  const to = samples[samples.length - 1]?.at ?? 0;
  const there = to - (samples[0]?.at ?? to);
  const span = spansMs.find((one) => one >= there) ?? 60 * minuteMs;
  return { from: to - span, to };
}

/**
 * @param {Frame} frame
 * @param {readonly Sample[]} samples
 * @returns {SVGElement[]}
 */
function timeAxis({ left, right, bottom, x }, samples) {
  const { from, to } = spanOf(samples);
  const stepMs = ((to - from) / 5 / minuteMs > 6 ? 15 : (to - from) / minuteMs > 5 ? 5 : 1) * minuteMs;
  const marks = [];
  for (let at = Math.ceil(from / stepMs) * stepMs; at <= to; at += stepMs) {
    const place = x(at);
    if (samples.length === 0 || place < left + 14 || place > right - 14) continue;
    marks.push(svg('text', { x: place, y: bottom + 17, 'text-anchor': 'middle' }, time(at).slice(0, 5)));
  }
  return marks;
}

/**
 * A line across, with its value at the left.
 * @param {Frame} frame
 * @param {number} y
 * @param {string} label
 * @param {string} [className]
 * @returns {SVGElement[]}
 */
export function level({ left, right }, y, label, className = 'grid') {
  return [
    svg('line', { class: className, x1: left, x2: right, y1: y, y2: y }),
    svg('text', { x: left - 8, y: y + 4, 'text-anchor': 'end' }, label),
  ];
}
