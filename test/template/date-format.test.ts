import { describe, expect, it } from 'vitest';
import { patternCovers } from '../../src/filesystem/match.ts';
import { invert } from '../../src/template/invert.ts';
import { parseTemplate } from '../../src/template/template.ts';
import { random } from '../random.ts';

const chances = random();
const berlin = '{t:%Y-%m-%d %H:%M in Europe/Berlin}';
const expand = (text: string, t: string) => parseTemplate(text).expand({ t });

describe('a date in a time zone', () => {
  it.each([
    // The last minutes before the clocks change, and the first thereafter.
    ['2024-03-31 00:59:59+00', '2024-03-31 01:59'],
    ['2024-03-31 01:00:00+00', '2024-03-31 03:00'],
    ['2024-10-27 00:59:59+00', '2024-10-27 02:59'],
    ['2024-10-27 01:00:00+00', '2024-10-27 02:00'],
    // Another day, month and year there.
    ['2023-12-31 23:30:00+00', '2024-01-01 00:30'],
    ['2024-07-01 00:30:00.123456+09', '2024-06-30 17:30'],
    ['2024-07-01 05:15:00+05:45', '2024-07-01 01:30'],
    ['2024-07-01 00:00:00-03:30', '2024-07-01 05:30'],
    ['1890-01-01 00:00:40+00:53:28', '1890-01-01 00:00'],
    ['2024-07-01T00:00:00+02', '2024-07-01 00:00'],
    ['2024-07-01 10:20+02', '2024-07-01 10:20'],
    ['0099-07-01 00:00:00+00', '0099-07-01 00:53'],
    ['12024-07-01 00:00:00+00', '12024-07-01 02:00'],
  ])('%s is %s in Berlin', (value, shown) => {
    expect(expand(berlin, value)).toBe(shown);
  });

  it('does not depend on the zone that the session writes', () => {
    for (const value of ['2024-07-01 00:30:00+02', '2024-06-30 22:30:00+00', '2024-07-01 07:30:00+09'])
      expect(expand('{t:%d in Europe/Berlin}', value)).toBe('01');
    expect(expand('{t:%d}', '2024-06-30 22:30:00+00')).toBe('30');
  });

  it('knows zones with half hours, and none with words around it', () => {
    expect(expand('{t:%H%M in Asia/Kolkata}', '2024-01-01 00:00:00+00')).toBe('0530');
    expect(expand('{t:week of %d in %m in UTC}', '2024-02-01 00:00:00+00')).toBe('week of 01 in 02');
    expect(expand('{t:%d in %m}', '2024-02-01 00:00:00+00')).toBe('01 in 02');
  });

  it.each(['2024-01-01', '2024-01-01 10:00:00', '2024-01-01T10:00'])(
    '%s has none to convert from',
    (value) => {
      expect(() => expand(berlin, value)).toThrow(
        `column t is "${value}", which says no time zone, so it cannot be converted to Europe/Berlin: no page can have this key`,
      );
    },
  );

  it.each(['infinity', '0044-03-15 10:00:00+00 BC', '999999-01-01 00:00:00+00'])('%s is no date', (value) => {
    expect(() => expand(berlin, value)).toThrow('is no date such as');
  });

  it.each([
    ['Europe/Berln', '"Europe/Berln" is no time zone, did you mean "Europe/Berlin"?'],
    ['Bielefeld', '"Bielefeld" is no time zone such as Europe/Berlin'],
    ['+01:00', '"+01:00" is no time zone such as Europe/Berlin'],
  ])('refuses the zone %s', (zone, problem) => {
    expect(() => parseTemplate(`{t:%Y in ${zone}}`)).toThrow(problem);
  });

  it('has a key that leads to a path, except where the clock never showed that', () => {
    const inverse = (text: string, path: string) => {
      const template = parseTemplate(text);
      return invert(template, path, (one) => patternCovers(one, { path, isDirectory: false })).candidates;
    };
    const daily = '{t:%Y in Europe/Berlin}/{t:%m in Europe/Berlin}/{t:%d in Europe/Berlin}.html';
    expect(inverse(daily, '2024/07/01.html')).toEqual([
      {
        key: { t: '2024-06-30 22:00:00+00' },
        alternatives: { t: 'at any time of that day in Europe/Berlin' },
      },
    ]);
    expect(inverse(berlin, '2024-03-31 02:30')).toEqual([]);
    expect(inverse(berlin, '2024-02-31 02:30')).toEqual([]);
    expect(inverse(berlin, '2024-03-31 03:00').map(({ key }) => key.t)).toEqual(['2024-03-31 01:00:00+00']);
    // On the day of a change, the offset at the same hour in UTC is another one.
    expect(
      inverse('{t:%Y-%m-%d %H:%M in America/New_York}', '2024-03-10 03:30').map(({ key }) => key.t),
    ).toEqual(['2024-03-10 07:30:00+00']);
    for (let round = 0; round < 500; round++) {
      const zone = chances.pick([
        'Europe/Berlin',
        'America/New_York',
        'Australia/Lord_Howe',
        'Asia/Kathmandu',
      ]);
      const text = `{t:%Y-%m-%d-%H%M in ${zone}}`;
      const instant = new Date(
        Date.UTC(2024, chances.below(12), 1 + chances.below(31), chances.below(24), 30),
      );
      const path = expand(text, `${instant.toISOString().slice(0, 19).replace('T', ' ')}+00`);
      const [found] = inverse(text, path);
      expect(found && expand(text, found.key.t ?? ''), `${text} ${path}`).toBe(path);
    }
  });
});
