import { describe, expect, it } from 'vitest';
import { type Configuration, visit } from './load.ts';
import { nginxFound } from './nginx.ts';

const kept: Configuration = {
  directives: 'open_file_cache max=1000; open_file_cache_valid 60s; open_file_cache_min_uses 1;',
};

const configurations: Readonly<Record<string, Configuration>> = {
  plain: {},
  'aio threads': { directives: 'aio threads;' },
  proxy_cache_lock: { directives: 'proxy_cache_lock on;' },
  'use_stale updating': {
    directives: 'proxy_cache_use_stale updating error; proxy_cache_background_update on;',
  },
  'use_stale updating and proxy_cache_lock': {
    directives:
      'proxy_cache_lock on; proxy_cache_use_stale updating error; proxy_cache_background_update on;',
  },
  'pages that expire soon': {
    directives:
      'proxy_cache_use_stale updating; proxy_cache_background_update on; proxy_cache_revalidate on;',
    maxAge: 1,
  },
  proxy_cache_min_uses: { directives: 'proxy_cache_min_uses 3;' },
  use_temp_path: { useTempPath: true },
  proxy_cache_revalidate: { directives: 'proxy_cache_revalidate on;' },
  open_file_cache: kept,
  'open_file_cache_valid 1s': { directives: 'open_file_cache max=1000; open_file_cache_valid 1s;' },
};

describe.skipIf(!nginxFound)('while visitors read and pages change', () => {
  it.each(Object.entries(configurations))(
    'nothing is stale once it has settled, with %s',
    async (_name, configuration) => {
      const { hits, errors, stale, left, critical } = await visit(configuration, 'spoil');
      expect({ errors, stale, left, critical }).toEqual({ errors: 0, stale: 0, left: [], critical: [] });
      expect(hits).toBeGreaterThan(0);
    },
  );

  it('files that are deleted are served on from open_file_cache', async () => {
    const { stale, left } = await visit(kept, 'unlink');
    // Meanwhile, or at the end: which depends on what the machine does besides.
    expect(stale + left.length).toBeGreaterThan(0);
  });
});
