import { describe, expect, it } from 'vitest';
import { FunctionSource, parseName } from '../../src/postgres/function-source.ts';

const of = (text: string) => new FunctionSource(text);

describe('FunctionSource', () => {
  it.each<[string, string[] | undefined]>([
    ['BEGIN NOTIFY port_updated; RETURN NULL; END', ['port_updated']],
    ['begin\n  notify Port_Updated ;', ['port_updated']],
    [`IF FOUND THEN NOTIFY "Port updated", 'x'; END IF;`, ['Port updated']],
    [`PERFORM pg_notify('Port''s', NEW.name);`, [`Port's`]],
    [`PERFORM pg_catalog.pg_notify ( 'a', ''); NOTIFY b;`, ['a', 'b']],
    [`EXECUTE 'NOTIFY date_updated';`, ['date_updated']],
    [`plpy.execute("NOTIFY date_updated")`, ['date_updated']],
    [`SELECT pg_notify('port_updated'::text, ''::text);`, ['port_updated']],
    ['BEGIN RETURN NEW; END', []],
    // A comment contains no statements.
    ['-- NOTIFY port_updated\nRETURN NULL;', []],
    ['/* NOTIFY\nport_updated */ RETURN NULL;', []],
    ['IF NEW.notify THEN RETURN NULL; END IF;', []],
    ['PERFORM notify_all(); PERFORM my_pg_notify(1);', []],
    // A statement built at run time.
    [`EXECUTE 'NOTIFY ' || quote_ident(TG_ARGV[0]);`, undefined],
    [`EXECUTE 'NOTIFY port_' || TG_OP;`, undefined],
    [`EXECUTE format('NOTIFY %I', TG_ARGV[0]);`, undefined],
    [`PERFORM pg_notify(TG_ARGV[0], '');`, undefined],
    [`PERFORM pg_notify('port_' || TG_OP, '');`, undefined],
    [`NOTIFY a; PERFORM pg_notify(channel, '');`, undefined],
  ])('channels() of %j', (text, channels) => {
    expect(of(text).channels()).toEqual(channels);
  });

  it('inserts() has the tables, folded as PostgreSQL does', () => {
    expect(
      of(`
        INSERT INTO cache_clearing_ports (port) SELECT 1;
        insert  into Public."Ports q" values (1);
        -- INSERT INTO gone VALUES (1);
        EXECUTE 'INSERT INTO dates VALUES ($1)';
        EXECUTE 'INSERT INTO ' || TG_ARGV[0];`).inserts(),
    ).toEqual([{ name: 'cache_clearing_ports' }, { schema: 'public', name: 'Ports q' }, { name: 'dates' }]);
  });

  it('mentions() a whole name, in code and in strings', () => {
    const source = of(`UPDATE public.Ports_Q SET a = '--'; SELECT 'x.y'; -- dates_q`);
    expect(['ports_q', 'x.y'].map((name) => source.mentions(name))).toEqual([true, true]);
    expect(['ports', 'orts_q', 'dates_q', 'x*y'].map((name) => source.mentions(name))).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  it('calls() names what a parenthesis follows', () => {
    expect(of(`PERFORM Tell_All (1); SELECT s."Other"(2), three`).calls()).toEqual(['tell_all', 'other']);
  });
});

it.each([
  ['public.cache_clearing_ports', { schema: 'public', name: 'cache_clearing_ports' }],
  [' Ports_Q ', { name: 'ports_q' }],
  ['"Site"."a ""b"" c"', { schema: 'Site', name: 'a "b" c' }],
  ['a b', undefined],
  ['a.b.c', undefined],
  ['', undefined],
])('parseName(%j)', (written, name) => {
  expect(parseName(written)).toEqual(name);
});
