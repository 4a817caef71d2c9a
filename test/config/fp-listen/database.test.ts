import { describe, expect, it } from 'vitest';
import { freshportsDirs } from '../../fp-listen-ini.ts';
import { look } from './look.ts';

describe('[database]', () => {
  const database = (host: string, password = 'x') => {
    const text = `[database]\nHOST = ${host}\nDBUSER = me\nPASSWORD = ${password}\n${freshportsDirs()}`;
    const { configuration, problems, notices } = look(text);
    return { database: configuration?.database, problems, notices };
  };

  it('takes more words, the last of two equal ones', () => {
    const host = `'db' port=5433 sslmode=verify-full sslrootcert=/etc/ca.pem user=other`;
    expect(database(host)).toEqual({
      database: {
        host: 'db',
        port: [5433],
        sslmode: 'verify-full',
        sslrootcert: '/etc/ca.pem',
        user: 'me',
        password: 'x',
      },
      problems: [],
      notices: [],
    });
    expect(database('db', `x port=1`).database).toMatchObject({ password: 'x', port: [1] });
    for (const [host, password] of [
      ['db', `''`],
      ['db', ''],
      [`db user='' password=z`, `''`],
    ] as const) {
      const none = { database: { host: 'db', user: 'me' }, problems: [], notices: [] };
      expect(database(host, password)).toEqual(none);
    }
  });

  it.each([
    ['db sslmode=prefer', 'sets sslmode=prefer: uncached takes it for require', { sslmode: 'require' }],
    ['db connect_timeout=3', 'sets connect_timeout, which means nothing to uncached', { host: 'db' }],
    ['"db"', 'the double quotes belong to the value', { host: '"db"' }],
  ])('HOST = %s is worth a notice', (host, notice, settings) => {
    const found = database(host);
    expect(found.problems).toEqual([]);
    expect(found.notices).toEqual([expect.stringContaining(notice)]);
    expect(found.database).toMatchObject(settings);
  });

  it.each([
    ['db prot=1', 'x', 'line 2: [database] HOST sets "prot" that no connection has, did you mean "port"?'],
    ['db port=0', 'x', 'line 2: [database] port = 0: must be a whole number'],
    ['db hostaddr=::1', 'x', 'line 2: [database] HOST sets hostaddr: write the address as the host instead'],
    [`'db`, 'x', 'line 2: [database] HOST has a single quote that is never closed'],
    ['db', 'a%(b)s', 'line 4: [database] PASSWORD has a "%" that stands for nothing: write %%'],
    ['db', 'a%b', 'line 4: [database] PASSWORD has a "%" that stands for nothing: write %%'],
    ['db', `a b=c`, 'line 4: [database] PASSWORD sets something that no connection has'],
    ['db', `it's b`, 'line 4: [database] PASSWORD has a word that is no NAME=value'],
  ])('HOST = %s, PASSWORD = %s: %s', (host, password, problem) => {
    expect(database(host, password).problems).toEqual([expect.stringContaining(problem)]);
  });
});
