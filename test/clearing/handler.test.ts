import { describe, expect, it } from 'vitest';
import { readHandlers } from '../../src/cache-kinds.ts';
import { frontsOf, templatesOf } from '../../src/caches/files/files-steps.ts';
import type { HandlerSettings } from '../../src/core/configuration.ts';

const settings = (name: string, some: Partial<HandlerSettings> = {}): HandlerSettings => ({
  name,
  clear: [],
  followers: [],
  ...some,
});

describe('frontsOf', () => {
  it('has what templates name in so many words, followers too, and the way there; nothing behind a column or wildcard', () => {
    const { handlers } = readHandlers([
      settings('port', {
        queue: 'q',
        clear: [
          'ports/x/{category}/{port}/*',
          'ports/{port}',
          '{category}/private/*',
          'a*/b/c',
          'd{port}/e/',
        ],
        followers: ['news'],
      }),
      settings('news', { clear: ['news/*', 'feeds/feed.xml', 'old/', 'f\\*g/*', '*'] }),
    ]);
    expect(frontsOf(handlers.values())).toEqual([
      'ports',
      'ports/x',
      'news',
      'feeds',
      'feeds/feed.xml',
      'old',
      'f*g',
    ]);
  });
});

describe('readHandlers', () => {
  it('joins templates, followers and commands', () => {
    const { handlers, problems } = readHandlers([
      settings('port', {
        queue: 'q',
        clear: ['ports/{category}/{port}/*', 'categories/{category}/*'],
        followers: ['news'],
      }),
      settings('news', { clear: ['news/*'], run: 'touch /tmp/x  y' }),
    ]);
    expect(problems).toEqual([]);
    const port = handlers.get('port');
    expect(port?.columns).toEqual(['category', 'port']);
    expect(port?.steps).toMatchObject([
      { kind: 'files', cache: 'files', shared: ['news/*'] },
      { kind: 'command', cache: 'port', shared: ['touch /tmp/x y'] },
    ]);
    expect(port && templatesOf(port).map(({ text }) => text)).toEqual([
      'ports/{category}/{port}/*',
      'categories/{category}/*',
    ]);
  });

  it('has the arguments of expand in its key, and what else its lines name', () => {
    const expand = { name: 'f', columns: ['base', 'base'] };
    const { handlers, problems } = readHandlers([
      settings('a', { queue: 'q', clear: ['{base}/{page}'], expand, run: 'x' }),
      settings('b', { clear: ['x'], expand }),
    ]);
    expect(handlers.get('a')).toMatchObject({ columns: ['base', 'page'], required: ['base'] });
    const named = { call: expand, queue: 'q', named: ['base', 'page'] };
    expect(handlers.get('a')?.steps).toMatchObject([{ expand: named }, { expand: named }]);
    expect(problems).toEqual([
      '[handler.b] expand = f(base, base) needs a key, and there is no queue to take it from: add "queue = TABLE"',
    ]);
  });

  it('reports every problem at once', () => {
    const { problems } = readHandlers([
      settings('a', { queue: 'q', clear: ['../x', '{col'], followers: ['nwes', 'a', 'b'] }),
      settings('b', { queue: 'q', clear: ['b/*'] }),
      settings('c', { clear: ['c/{id}'] }),
      settings('d'),
      settings('news', { clear: ['news/*'], followers: ['e'] }),
      settings('e', { clear: ['e/*'] }),
      settings('f', { clear: ['f/*'], followers: ['news'] }),
    ]);
    expect(problems).toEqual([
      '[handler.a] the template "../x" has a component ".."',
      '[handler.a] the template "{col" has a stray "{"',
      '[handler.b] has the queue q of [handler.a]: an entry goes to one handler only',
      '[handler.a] then = nwes: there is no section [handler.nwes], did you mean "news"?',
      '[handler.a] then = a: a handler cannot follow itself',
      '[handler.a] then = b: a handler with a queue needs a key, which only its own entries have',
      '[handler.c] names the column id but has no queue to take it from: add "queue = TABLE"',
      '[handler.d] does nothing: add "clear[] = …", "url[] = …", "tag[] = …", "then = …" or "run = …"',
      '[handler.f] then = news: a handler that has a "then" of its own cannot stand there: name both',
    ]);
  });
});
