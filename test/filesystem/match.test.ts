import { describe, expect, it } from 'vitest';
import { escapeData } from '../../src/core/pattern.ts';
import { matcher } from '../../src/filesystem/match.ts';

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

  it('takes every escaped name for itself and nothing else', () => {
    for (const name of ['a[b]', '\\', 'x\\y', '*?', ']', '[!a]']) {
      expect(matcher(escapeData(name))(name)).toBe(true);
      expect(matcher(`${escapeData(name)}*`)(`${name}!`)).toBe(true);
      expect(matcher(escapeData(name))(`${name}!`)).toBe(false);
    }
  });
});
