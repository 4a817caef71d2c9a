import { describe, expect, it, vi } from 'vitest';
import { escapeData } from '../../src/core/pattern.ts';
import { matcher, prefixOf } from '../../src/filesystem/match.ts';
import { type Random, random } from '../random.ts';
import { type Token, written } from '../template/generated.ts';
import { fits } from '../template/plain-definition.ts';

/**
 * Few characters, so that matches are frequent. The skull is two UTF-16 units. The last one stands for a byte
 * that is not UTF-8, and equals the second unit of the skull.
 */
const characters = [...'ab.-', '💀', '\udc80'];

function anyTokens(chances: Random): Token[] {
  const token = (): Token => {
    switch (chances.pick(['text', 'text', 'star', 'any', 'set'] as const)) {
      case 'text':
        return { kind: 'text', text: chances.pick(characters) };
      case 'star':
        return { kind: 'star' };
      case 'any':
        return { kind: 'any' };
      case 'set':
        return {
          kind: 'set',
          characters: [chances.pick(characters), ...chances.list(2, () => chances.pick(characters))],
          negated: chances.chance(0.5),
        };
    }
  };
  return [token(), ...chances.list(5, token)];
}

const anyName = (chances: Random) =>
  [chances.pick(characters), ...chances.list(6, () => chances.pick(characters))].join('');

describe('matcher', () => {
  it.each([
    ['*', 'a', true],
    ['*', '.a', false],
    ['?', 'a', true],
    ['?', 'é', true],
    ['?', '😀', true],
    ['?', '.', false],
    ['?', 'ab', false],
    ['[a-c]x', 'bx', true],
    ['[!a-c]x', 'bx', false],
    ['[^a-c]x', 'dx', true],
    ['[.]a', '.a', false],
    ['[a\\]]', ']', true],
    ['[\\\\a]', 'a', true],
    ['[\\\\a]', '\\', true],
    ['[\\a]', 'a', true],
    ['[*]', '*', true],
    ['[*]', 'a', false],
    ['[a-]', '-', true],
    ['[a-c-e]', 'd', false],
    ['[a-c-e]', '-', true],
    ['[a\\-c]', 'b', false],
    ['[\\a-c]', 'b', true],
    ['[!]', '!', true],
    ['[', '[', true],
    ['a[', 'a[', true],
    ['?\\', 'a\\', true],
    ['**a', 'ba', true],
    ['*\udc80', '💀', false],
    ['*?', '💀', true],
    ['[a-c]*[x-z]', 'b-y', true],
    ['03.*', '03.daily', true],
    ['03.*', '03xdaily', false],
    ['03.*', '03.', true],
    ['a*b*c', 'a-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['.h*', '.hidden', true],
    ['a.b', 'aXb', false],
    ['(a|b)+$', '(a|b)+$', true],
    ['*', 'two\nlines', true],
    ['\\*', '*', true],
    ['\\*', 'a', false],
    ['p\\*.*', 'p*.html', true],
    ['p\\*.*', 'px.html', false],
  ])('%j and %j: %s', (pattern, name, matches) => {
    expect(matcher(pattern)(name)).toBe(matches);
  });

  it('means what the plain definition says', () => {
    const chances = random();
    let hits = 0;
    for (let nth = 0; nth < 20_000; nth++) {
      const tokens = anyTokens(chances);
      const component = written({ components: [tokens], directory: false });
      const name = anyName(chances);
      const expected = fits(tokens, {}, name);
      expect(matcher(component)(name), JSON.stringify([component, name])).toBe(expected);
      if (expected) {
        hits += 1;
        expect(name.startsWith(prefixOf(component)), JSON.stringify([component, name])).toBe(true);
      }
    }
    // About one in six matches.
    expect(hits).toBeGreaterThan(1_000);
  });

  it('compares no more characters than the product of the lengths, for any runs', () => {
    const looks = vi.spyOn(String.prototype, 'codePointAt');
    const name = `${'a'.repeat(250)}b`;
    for (const component of ['*a*a*a*a*a*c', '*a*a*a*a*a*a*a*a*a*a?c', '*[a]*[a]*[a]*[a]*[b-z]c', '*b*b']) {
      const matches = matcher(component);
      looks.mockClear();
      expect(matches(name)).toBe(false);
      expect(looks.mock.calls.length, component).toBeGreaterThan(name.length);
      expect(looks.mock.calls.length, component).toBeLessThan(2 * name.length * component.length);
    }
    looks.mockRestore();
  });

  it('takes every escaped name for itself and nothing else', () => {
    for (const name of ['a[b]', '\\', 'x\\y', '*?', ']', '[!a]']) {
      expect(matcher(escapeData(name))(name)).toBe(true);
      expect(matcher(`${escapeData(name)}*`)(`${name}!`)).toBe(true);
      expect(matcher(escapeData(name))(`${name}!`)).toBe(false);
    }
  });
});
