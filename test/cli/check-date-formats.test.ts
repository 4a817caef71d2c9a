import { expect, it } from 'vitest';
import { readHandlers } from '../../src/cache-kinds.ts';
import { dateFormats } from '../../src/cli/check-date-formats.ts';

/** The output for `{day:%Y}` where the column has this type. */
function said(type: string, category: string, template = 'daily/{day:%Y}/{day:%m}/*') {
  const { handlers } = readHandlers([{ name: 'daily', queue: 'days', clear: [template], followers: [] }]);
  const [handler] = handlers.values();
  if (!handler) throw new Error('there is no handler');
  return dateFormats(handler, [{ name: 'day', type, category, staysNull: true }], 'Asia/Tokyo');
}

it.each([
  ['date', 'D'],
  ['timestamp without time zone', 'D'],
])('a date is taken from a %s', (type, category) => {
  expect(said(type, category)).toEqual({ problems: [], notices: [] });
});

it.each([
  ['text', 'S'],
  ['character varying', 'S'],
  ['mood', 'E'],
  ['citext', 'U'],
])('a %s may be a date: a notice, once a template', (type, category) => {
  expect(said(type, category)).toEqual({
    problems: [],
    notices: [
      expect.stringContaining(`takes a date from the column day of days, which is of type ${type}: `),
    ],
  });
});

it.each([
  ['integer', 'N'],
  ['time without time zone', 'D'],
  ['boolean', 'B'],
  ['uuid', 'U'],
  ['text[]', 'A'],
])('a %s is none: a problem', (type, category) => {
  expect(said(type, category)).toEqual({
    problems: [expect.stringContaining(`which is of type ${type}: none of its values is a date such as `)],
    notices: [],
  });
});

const zoned = 'daily/{day:%Y in Europe/Berlin}/{day:%m in Europe/Berlin}/*';

it('a timestamptz in a named zone is a date', () => {
  expect(said('timestamp with time zone', 'D', zoned)).toEqual({ problems: [], notices: [] });
});

it.each(['daily/{day:%Y}/{day:%m}/*', 'daily/{day:%Y in Europe/Berlin}/{day:%m}/*'])(
  'a timestamptz without a zone is a notice that says which one is meant: %s',
  (template) => {
    const field = template.includes('in') ? '%m' : '%Y';
    expect(said('timestamp with time zone', 'D', template)).toEqual({
      problems: [],
      notices: [
        `[handler.daily] the template "${template}" takes a date from the column day of days, which is of type timestamp with time zone: ` +
          `without a time zone it is that of the daemon's session, Asia/Tokyo, which the site may not share: write {day:${field} in Asia/Tokyo}, with the zone of the site`,
      ],
    });
  },
);

it.each(['date', 'timestamp without time zone'])('a %s in a zone is a problem', (type) => {
  expect(said(type, 'D', zoned)).toEqual({
    problems: [
      expect.stringContaining(
        'it says no time zone, so none of its values can be converted to Europe/Berlin, and nothing is cleared: write {day:%Y}',
      ),
    ],
    notices: [],
  });
});

it('the column itself may be of any type', () => {
  expect(said('integer', 'N', 'daily/{day}/{other:%Y}/*')).toEqual({ problems: [], notices: [] });
});
