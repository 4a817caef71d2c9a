/** @import { Thresholds } from '../src/core/daemon-status.ts' */
/** @import { Frame, Sample } from './plot.js' */
import { svg } from './dom.js';
import { level, plot } from './plot.js';
import { count, duration, several } from './words.js';

/** @param {HTMLElement} figure */
export function backlogPlot(figure) {
  return plot(figure, {
    title: 'Backlog',
    sum: (samples) => {
      const most = Math.max(-1, ...samples.map(({ backlog }) => backlog ?? -1));
      if (most < 0) return samples.length === 0 ? 'not counted yet' : 'could not be counted';
      return `peak ${count(most)}`;
    },
    tell: ({ backlog, files }) =>
      `${backlog === null ? 'not counted' : several(backlog, 'entry', 'entries')}, ${several(files, 'file', 'files')} cleared`,
    draw: drawBacklog,
  });
}

/**
 * @param {Frame} frame
 * @param {readonly Sample[]} samples
 */
function drawBacklog(frame, samples) {
  const most = Math.max(0, ...samples.map(({ backlog }) => backlog ?? 0));
  const top = roundUp(most);
  const y = (/** @type {number} */ entries) => frame.bottom - (entries / top) * (frame.bottom - frame.top);
  const marks = [0, top / 2, top].flatMap((entries) => level(frame, y(entries), short(entries)));
  for (const run of runs(samples)) {
    const line = run
      .map(({ at, backlog }) => `${frame.x(at).toFixed(1)},${y(backlog ?? 0).toFixed(1)}`)
      .join('L');
    const [first, last] = [run[0], run[run.length - 1]];
    if (!first || !last) continue;
    const area = `M${frame.x(first.at)},${frame.bottom}L${line}L${frame.x(last.at)},${frame.bottom}Z`;
    marks.push(svg('path', { class: 'area', d: area }), svg('path', { class: 'line', d: `M${line}` }));
  }
  return marks;
}

/**
 * Unbroken stretches: in between the daemon was away, or could not count.
 * @param {readonly Sample[]} samples
 */
function runs(samples) {
  /** @type {Sample[][]} */
  const all = [];
  let before = 0;
  for (const sample of samples) {
    if (sample.backlog === null) continue;
    if (sample.at - before > 30_000 || all.length === 0) all.push([]);
    all[all.length - 1]?.push(sample);
    before = sample.at;
  }
  return all;
}

/**
 * The next even number of the form 2, 4, 10, 20, 40, 100…
 * @param {number} most
 */
function roundUp(most) {
  let power = 1;
  for (;;) {
    for (const step of [2, 4, 10]) if (step * power >= most) return step * power;
    power *= 10;
  }
}

/** @param {number} value */
function short(value) {
  if (value >= 1_000_000) return `${value / 1_000_000} M`;
  return value >= 10_000 ? `${value / 1_000} k` : count(value);
}

/**
 * @param {HTMLElement} figure
 * @param {() => Thresholds | undefined} thresholds not known before the daemon has sent them
 */
export function latencyPlot(figure, thresholds) {
  return plot(figure, {
    title: 'From commit to cleared',
    sum: (samples) => {
      const slowest = Math.max(-1, ...samples.map(({ slowestMs }) => slowestMs ?? -1));
      return slowest < 0 ? 'nothing cleared yet' : `slowest ${duration(slowest)}`;
    },
    tell: ({ fastestMs, slowestMs }) => {
      if (fastestMs === undefined || slowestMs === undefined) return 'nothing cleared';
      return fastestMs === slowestMs
        ? duration(slowestMs)
        : `${duration(fastestMs)} to ${duration(slowestMs)}`;
    },
    draw: (frame, samples) => drawLatency(frame, samples, thresholds()),
  });
}

/**
 * A bar from the fastest to the slowest of each sample, by powers of ten: milliseconds matter as much as
 * hours.
 * @param {Frame} frame
 * @param {readonly Sample[]} samples
 * @param {Thresholds | undefined} thresholds
 */
function drawLatency(frame, samples, thresholds) {
  const slowest = Math.max(1_000, ...samples.map(({ slowestMs }) => slowestMs ?? 0));
  const decades = Math.ceil(Math.log10(slowest));
  const y = (/** @type {number} */ ms) =>
    frame.bottom - (Math.log10(Math.max(1, ms)) / decades) * (frame.bottom - frame.top);
  const marks = [];
  for (let power = 0; power <= decades; power += decades > 4 ? 2 : 1) {
    marks.push(...level(frame, y(10 ** power), duration(10 ** power)));
  }
  for (const [ms, className] of /** @type {const} */ ([
    [thresholds?.warningMs, 'limit late'],
    [thresholds?.criticalMs, 'limit bad'],
  ])) {
    if (ms === undefined || ms > 10 ** decades) continue;
    const words = { class: 'limit-label', x: frame.right, y: y(ms) - 4, 'text-anchor': 'end' };
    marks.push(...level(frame, y(ms), '', className), svg('text', words, duration(ms)));
  }
  const bars = samples
    .map(({ at, fastestMs, slowestMs }) =>
      // A path of no length is drawn as a dot by its round ends.
      fastestMs === undefined || slowestMs === undefined
        ? ''
        : `M${frame.x(at).toFixed(1)},${y(slowestMs).toFixed(1)}V${y(fastestMs).toFixed(1)}`,
    )
    .join('');
  const width = Math.min(6, Math.max(2.5, frame.sampleWidth * 0.7));
  marks.push(svg('path', { class: 'bars', 'stroke-width': width, d: bars || 'M0,0' }));
  return marks;
}
