import { expect, it } from 'vitest';
import { dependencyOn, keyOf } from '../../src/memory-cache/dependency.ts';
import { Renders } from '../../src/memory-cache/renders.ts';

const change = (name: string) => ({ channel: 'c', key: keyOf(JSON.stringify({ name })) });

it('is overtaken by a change of what it declares afterwards', () => {
  const renders = new Renders();
  const render = renders.begin();
  renders.changed(change('a'));
  expect(renders.isOvertaken(render)).toBe(false);
  renders.changed(change('b'));
  renders.dependsOn(render, dependencyOn('c', { name: 'b' }));
  expect(renders.isOvertaken(render)).toBe(true);
  expect(renders.isOvertaken(render, 1)).toBe(false);
  renders.dependsOn(render, dependencyOn('c', { name: 'a' }));
  expect(renders.isOvertaken(render, 1)).toBe(true);
  renders.end(render);
  expect(renders.isOvertaken(render, 1)).toBe(true);
});

it('is not overtaken by what came before it, nor by other rows and channels', () => {
  const renders = new Renders();
  renders.changed(change('a'));
  const older = renders.begin();
  renders.changed(change('a'));
  const render = renders.begin();
  renders.dependsOn(render, dependencyOn('c', { name: 'a' }));
  renders.changed(change('b'));
  renders.changed({ channel: 'd', key: undefined });
  expect(renders.isOvertaken(render)).toBe(false);
  renders.end(older);
  renders.changed(change('a'));
  expect(renders.isOvertaken(render, 4)).toBe(false);
  expect(renders.isOvertaken(render)).toBe(true);
});

it('is overtaken where so much has changed that it was forgotten, but what began later is not', () => {
  const renders = new Renders(10);
  const old = renders.begin();
  for (let nth = 0; nth < 8; nth++) renders.changed(change('a'));
  const young = renders.begin();
  renders.dependsOn(young, dependencyOn('c', { name: 'b' }));
  for (let nth = 0; nth < 4; nth++) renders.changed(change('a'));
  expect(renders.isOvertaken(old)).toBe(true);
  expect(renders.isOvertaken(young)).toBe(false);
  renders.changed(change('b'));
  expect(renders.isOvertaken(young)).toBe(true);
});

it('is examined fast with thousands of dependencies and of changes', () => {
  const renders = new Renders();
  const render = renders.begin();
  for (let nth = 0; nth < 20_000; nth++) renders.dependsOn(render, dependencyOn('c', { name: `a${nth}` }));
  for (let nth = 0; nth < 19_999; nth++) renders.changed(change(`b${nth}`));
  const begun = performance.now();
  expect(renders.isOvertaken(render)).toBe(false);
  renders.changed(change('a7'));
  expect(renders.isOvertaken(render)).toBe(true);
  // One by one would be 400,000,000 comparisons.
  expect(performance.now() - begun).toBeLessThan(10_000);
});
