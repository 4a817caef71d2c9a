/** @import { Moment, Status } from '../src/core/status.ts' */
import { byId } from './dom.js';
import { showHealth, showLost } from './health.js';
import { showClearings, showFailing, showHandlers } from './lists.js';
import { backlogPlot, latencyPlot } from './plots.js';

const hourMs = 3_600_000;

/** The daemon forgets its past when it starts anew; what this page has seen of it stays.
 * @type {Moment[]} */
let moments = [];
let version = '';

const plots = [backlogPlot(byId('plot-backlog')), latencyPlot(byId('plot-latency'))];

connect();

function connect() {
  const events = new EventSource('events');
  events.addEventListener('moments', ({ data }) => remember(JSON.parse(data)));
  events.addEventListener('status', ({ data }) => show(JSON.parse(data)));
  events.addEventListener('error', () => {
    showLost();
    // The browser comes back by itself, unless it was answered with an error.
    if (events.readyState === EventSource.CLOSED) setTimeout(connect, 2_000);
  });
}

/** @param {Moment[]} more */
function remember(more) {
  const [first] = more;
  if (!first) return;
  const newest = more[more.length - 1]?.at ?? 0;
  moments = [...moments.filter(({ at }) => at < first.at && at > newest - hourMs), ...more];
  for (const plot of plots) plot(moments);
}

/** @param {Status} status */
function show(status) {
  // Another version of the daemon has another version of this page.
  if (version !== '' && version !== status.version) location.reload();
  version = status.version;
  showHealth(status);
  showFailing(status.failing, status.handlers);
  showHandlers(status);
  showClearings(status.clearings);
}
