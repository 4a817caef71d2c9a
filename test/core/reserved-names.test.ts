import { describe, expect, it } from 'vitest';
import { pageOfTemp } from '../../src/core/reserved-names.ts';

describe('pageOfTemp', () => {
  it.each([
    ['.page.html.0123456789abcdef.tmp', 'page.html'],
    ['.a.b.0123456789abcdef.tmp', 'a.b'],
    ['page.html.0123456789abcdef.tmp', undefined],
    ['.page.html.0123456789ABCDEF.tmp', undefined],
    ['.page.html.0123456789abcde.tmp', undefined],
    ['..0123456789abcdef.tmp', undefined],
    ['.page.html.tmp', undefined],
  ])('%s is to become %s', (name, page) => {
    expect(pageOfTemp(name)).toBe(page);
  });
});
