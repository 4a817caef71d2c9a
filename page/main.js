/** @import { Sample, Status } from '../src/core/daemon-status.ts' */
import { showClearings } from './clearings.js';
import { showConsumers } from './consumers.js';
import { byId } from './dom.js';
import { showFailing } from './failing.js';
import { showHandlers } from './handlers.js';
import { showHealth, showLost } from './health.js';
import { backlogPlot, latencyPlot } from './plots.js';
import { handlerChoice } from './plotted-handler.js';

const hourMs = 3_600_000;

/**
 * The daemon loses its history when it restarts; this page keeps what it has received.
 * @type {Sample[]}
 */
let samples = [];
let version = '';
/** @type {Status['thresholds'] | undefined} */
let thresholds;

const plots = [backlogPlot(byId('plot-backlog')), latencyPlot(byId('plot-latency'), () => thresholds)];
const choice = handlerChoice(byId('plotted'), draw);

connect();

function connect() {
  const events = new EventSource('events');
  events.addEventListener('samples', ({ data }) => remember(JSON.parse(data)));
  events.addEventListener('status', ({ data }) => show(JSON.parse(data)));
  events.addEventListener('error', () => {
    showLost();
    // The browser reconnects by itself, unless the answer was an error.
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, 2_000);
  });
}

/** @param {Sample[]} more */
function remember(more) {
  const [first] = more;
  if (!first) return;
  const newest = more[more.length - 1]?.at ?? 0;
  samples = [...samples.filter(({ at }) => at < first.at && at > newest - hourMs), ...more];
  draw();
}

function draw() {
  const chosen = samples.map(choice.of);
  for (const plot of plots) plot(chosen);
}

/** @param {Status} status */
function show(status) {
  // Another version of the daemon has another version of this page.
  if (version !== '' && version !== status.version) location.reload();
  version = status.version;
  choice.offer(status.handlers.map(({ handler }) => handler));
  if (!thresholds) {
    thresholds = status.thresholds;
    draw();
  }
  showHealth(status);
  showFailing(status);
  showHandlers(status);
  showConsumers(status);
  showClearings(status);
}
