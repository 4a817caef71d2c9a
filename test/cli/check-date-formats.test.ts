import { expect, it } from 'vitest';
import { readHandlers } from '../../src/cache-kinds.ts';
import { dateFormats } from '../../src/cli/check-date-formats.ts';

/** The output for `{day:%Y}` where the column has this type. */
function said(type: string, category: string, template = 'daily/{day:%Y}/{day:%m}/*') {
  const { handlers } = readHandlers([{ name: 'daily', queue: 'days', clear: [template], followers: [] }]);
  const [handler] = handlers.values();
  if (!handler) throw new Error('there is no handler');
  return dateFormats(handler, [{ name: 'day', type, category, staysNull: true }]);
}

it.each([
  ['date', 'D'],
  ['timestamp without time zone', 'D'],
  ['timestamp with time zone', 'D'],
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

it('the column itself may be of any type', () => {
  expect(said('integer', 'N', 'daily/{day}/{other:%Y}/*')).toEqual({ problems: [], notices: [] });
});
