import { describe, expect, it } from 'vitest';
import { clear } from '../../src/cli/clear.ts';
import { errorReport } from '../../src/cli/error-report.ts';
import { ini, on, site } from './commands.ts';

describe('clear', () => {
  it('clears by hand, or shows what would go', async () => {
    site.write(['ports/www/a/1', 'ports/www/a/2', 'ports/www/b/1', 'categories/www/1']);
    const dry = await on(ini(), 'clear', 'listen_port', 'category=www', 'port=a', '--dry-run');
    expect(dry).toEqual({
      code: 0,
      stdout: 'categories/www/1\nnews/x\nports/www/a/1\nports/www/a/2\n',
      stderr: '',
    });
    expect(site.pages().length).toBe(9);
    const wet = await on(ini(), 'clear', 'listen_port', 'category=www', 'port=a');
    expect(wet).toEqual({ code: 0, stdout: 'deleted 4 files\n', stderr: '' });
    expect(site.pages()).toEqual(['categories/x', 'commits/x', 'daily/x', 'ports/www/b/1', 'ports/x/y']);
    const refused = await on(ini(), 'clear', 'listen_port', 'category', 'port=..');
    expect(refused).toEqual({
      code: 2,
      stdout: '',
      stderr:
        'uncached: "category" is not of the form column=value\nuncached: listen_port needs category=…\n',
    });
  });

  it.each([
    [['listen_prot'], ['there is no handler "listen_prot", did you mean "listen_port"?']],
    [
      ['listen_port', 'category=www', 'prot=a'],
      ['listen_port has no column "prot", did you mean "port"?', 'listen_port needs port=…'],
    ],
    [['listen_port', 'category=www', 'port=a', 'port=b'], ['port is given twice']],
    [
      ['listen_port', 'category', 'port=..'],
      ['"category" is not of the form column=value', 'listen_port needs category=…'],
    ],
    [
      ['listen_port', 'category=www', 'port=..'],
      ['column port is "..", which begins with a dot: no page can have this key'],
    ],
  ])('refuses %j', async ([handler = '', ...key], problems) => {
    const thrown = await clear(site.configure(ini()), handler, key, {}).catch((error) => error);
    expect(errorReport(thrown)).toEqual({ code: 2, complaints: problems });
  });
});
