import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { runLoad, type Turn } from './load.ts';
import { decode } from './page.ts';
import { choosePage } from './site-page.ts';

/** A load process: a web server that serves pages straight from disk. */
runLoad([reader, reader]);

function reader(): Turn {
  return async (_client, load) => {
    for (let n = 0; n < 20; n++) {
      const { path } = choosePage(load);
      const body = await readFile(join(load.root, path)).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error;
      });
      if (body === undefined) continue;
      load.count('reads');
      const page = decode(body, path);
      if (typeof page === 'string') load.violation('torn', [path], `${load.name} read ${page}`);
    }
    await wait(load.random.between(0, 10));
  };
}
