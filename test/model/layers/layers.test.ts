import { describe, expect, it } from 'vitest';
import { explore } from '../explore.ts';
import { layersModel, type ProtocolStep } from './layers.ts';

const explored = (...protocol: ProtocolStep[]) => explore(layersModel(protocol, { layers: 3, responses: 2 }));

describe('three caches in front of each other are fresh in the end', () => {
  it.each<[string, ProtocolStep[]]>([
    ['as the daemon clears them', [0, 1, 2, 'settle', 0, 'lag', 1, 'lag', 2]],
    ['without a first round, which is for speed', ['settle', 0, 'lag', 1, 'lag', 2]],
    ['where one is down in the first round', [0, 'settle', 0, 'lag', 1, 'lag', 2]],
  ])('%s', (_how, protocol) => {
    expect(explored(...protocol)).toMatchObject({ holds: true });
  });
});

/** Each leaves out something. counterexamples/ describes the shortest path to a stale page in plain words. */
describe('the model convicts', () => {
  it.each<[string, ProtocolStep[]]>([
    ['no lag', [0, 1, 2, 'settle', 0, 1, 2]],
    ['no second round', [0, 1, 2]],
    ['a second round of the page files alone', [0, 1, 2, 'settle', 0]],
    ['no settle time', [0, 1, 2, 0, 'lag', 1, 'lag', 2]],
    ['outer caches before inner ones', [0, 1, 2, 'settle', 'lag', 2, 'lag', 1, 'lag', 0]],
    ['one lag for all of them', [0, 1, 2, 'settle', 0, 1, 'lag', 2]],
    ['an outer cache that does not wait for an inner one', [0, 1, 2, 'settle', 0, 'lag', 2]],
    ['no second clearing of the page files', [0, 1, 2, 'settle', 'lag', 1, 'lag', 2]],
  ])('%s', async (what, protocol) => {
    const verdict = explored(...protocol);
    if (verdict.holds) return expect.fail('it holds');
    const story = [...verdict.trace, '', verdict.broken, ''].join('\n');
    await expect(story).toMatchFileSnapshot(`counterexamples/${what.replaceAll(' ', '-')}.txt`);
  });
});
