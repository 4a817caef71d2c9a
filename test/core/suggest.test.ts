import { expect, it } from 'vitest';
import { didYouMean } from '../../src/core/suggest.ts';

it.each([
  ['new', ['news', 'ports'], ', did you mean "news"?'],
  ['hots', ['host', 'port'], ', did you mean "host"?'],
  ['listen_ports', ['listen_port', 'listen_date'], ', did you mean "listen_port"?'],
  ['SETTLE', ['settle'], ', did you mean "settle"?'],
  ['zebra', ['news', 'ports'], ''],
  ['a', ['b'], ''],
  ['', ['b'], ''],
])('didYouMean(%j, %j)', (word, candidates, suggestion) => {
  expect(didYouMean(word, candidates)).toBe(suggestion);
});
