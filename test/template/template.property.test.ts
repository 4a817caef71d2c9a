import { describe, expect, it } from 'vitest';
import { unescapeData } from '../../src/core/pattern.ts';
import { toTree } from '../../src/filesystem/pattern-tree.ts';
import { parseTemplate } from '../../src/template/template.ts';
import { random } from '../random.ts';
import { anyKey, anyPath, anyTemplate, anyValue, written } from './generated.ts';
import { isRefused, spread } from './plain-definition.ts';

const chances = random();

/** The components of a pattern that no file can have, or that lead elsewhere. */
const unsafe = (pattern: string) =>
  pattern
    .replace(/\/$/, '')
    .split('/')
    .map(unescapeData)
    .filter((name) => ['', '.', '..'].includes(name) || name.includes('\0'));

describe('expand', () => {
  it('refuses a key exactly when no page can have it, and else keeps to its components', () => {
    const met = { refused: 0, expanded: 0 };
    for (let round = 0; round < 5_000; round++) {
      const path = () => (chances.chance(0.3) ? anyPath(chances) : anyValue(chances));
      const [meant, key] = [anyTemplate(chances), anyKey(chances, path)];
      const template = parseTemplate(written(meant));
      const seen = JSON.stringify([template.text, key]);
      if (isRefused(meant, key)) {
        met.refused += 1;
        expect(() => template.expand(key), seen).toThrow('no page can have this key');
      } else {
        met.expanded += 1;
        const pattern = template.expand(key);
        expect(unsafe(pattern), seen).toEqual([]);
        expect(pattern.replace(/\/$/, '').split('/').length, seen).toBe(
          spread(meant, key)?.components.length,
        );
      }
    }
    expect(met.refused).toBeGreaterThan(500);
    expect(met.expanded).toBeGreaterThan(500);
  });

  it('takes with :below exactly the prefix off', () => {
    const met = { refused: 0, expanded: 0 };
    const meant = {
      components: [[{ kind: 'below', column: 'a', prefix: ['p', 'q'] }]],
      directory: false,
    } as const;
    const template = parseTemplate('{a:below /p/q}');
    for (let round = 0; round < 5_000; round++) {
      const key = { a: anyPath(chances) };
      const seen = JSON.stringify(key);
      if (isRefused(meant, key)) {
        met.refused += 1;
        expect(() => template.expand(key), seen).toThrow('no page can have this key');
      } else {
        met.expanded += 1;
        const names = spread(meant, key)?.components.map(([token]) =>
          token?.kind === 'text' ? token.text : '',
        );
        expect(template.expand(key).split('/').map(unescapeData), seen).toEqual(names);
      }
    }
    expect(met.refused).toBeGreaterThan(500);
    expect(met.expanded).toBeGreaterThan(500);
  });

  it('gives with :path only components that are names', () => {
    const templates = [
      'p/{a:path}.*',
      'p/{a:path}/x',
      '{a:path}/*',
      'p/{a:path}',
      '{a:path}/',
      '{a:path}/{a:path}/x',
    ];
    for (let round = 0; round < 5_000; round++) {
      const template = parseTemplate(chances.pick(templates));
      const names = [anyValue(chances), ...chances.list(3, () => anyValue(chances))].join('/');
      const a = chances.pick([names, `/${names}/`, `${names}/`, '/', '/'.repeat(1 + chances.below(4))]);
      try {
        const pattern = template.expand({ a });
        expect(unsafe(pattern), JSON.stringify([template.text, a])).toEqual([]);
        // As many components as the value has names, no fewer: never a directory above.
        const own = a.split('/').filter((name) => name !== '').length;
        const others = template.text.split('/').filter((name) => name !== '' && name !== '{a:path}').length;
        const places = template.text.split('{a:path}').length - 1;
        const within = template.text.includes('{a:path}.') ? 1 : 0;
        expect(pattern.replace(/\/$/, '').split('/').length, JSON.stringify([template.text, a])).toBe(
          own * places + others - within,
        );
      } catch (error) {
        expect(String(error), JSON.stringify(a)).toContain('no page can have this key');
      }
    }
  });
});

describe('parseTemplate', () => {
  it('refuses whatever it is given, or makes of it what the file system understands', () => {
    const met = { refused: 0, parsed: 0 };
    for (let round = 0; round < 5_000; round++) {
      const pieces = [
        '{a}',
        '{a:path}',
        '{a:below /p}',
        '{b:slug}',
        '/',
        '\\',
        '.',
        '..',
        '[',
        ']',
        '-',
        '!',
        '{',
        '}',
        '*',
      ];
      const text = chances.list(6, () => chances.pick([...pieces, anyValue(chances)])).join('');
      let pattern: string;
      try {
        pattern = parseTemplate(text).expand({ a: 'x', b: 'y' });
      } catch (error) {
        met.refused += 1;
        expect(String(error), JSON.stringify(text)).toMatch(
          /^Error: (the template "|column |a component of )/,
        );
        continue;
      }
      met.parsed += 1;
      expect(unsafe(pattern), JSON.stringify(text)).toEqual([]);
      expect(() => toTree([pattern]), JSON.stringify(text)).not.toThrow();
    }
    expect(met.refused).toBeGreaterThan(500);
    expect(met.parsed).toBeGreaterThan(500);
  });
});
