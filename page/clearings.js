/** @import { Status } from '../src/core/daemon-status.ts' */
import { byId, element, keep } from './dom.js';
import { classOfLag } from './health.js';
import { keyElement } from './key.js';
import { count, duration, several, time } from './words.js';

/** @param {Status} status */
export function showClearings({ clearings, thresholds }) {
  byId('no-clearings').hidden = clearings.length > 0;
  keep(
    byId('clearings'),
    clearings,
    ({ id, at }) => `${id} ${at}`,
    ({ at, handler, keys, examples, failedKeys, files, lagMs }) => {
      const more =
        keys > examples.length
          ? [element('span', 'column', `and ${count(keys - examples.length)} more`)]
          : [];
      const failures = failedKeys > 0 ? [', ', element('span', 'bad', `${count(failedKeys)} failed`)] : [];
      return element(
        'li',
        '',
        element('span', 'time', time(at)),
        element('span', 'handler', element('bdi', '', handler)),
        element('span', 'key', ...examples.map(keyElement), ...more),
        element('span', 'files', files === null ? '' : several(files, 'file', 'files'), ...failures),
        element(
          'span',
          `after ${lagMs === null ? '' : classOfLag(lagMs, thresholds)}`,
          lagMs === null ? '' : `after ${duration(lagMs)}`,
        ),
      );
    },
  );
}
