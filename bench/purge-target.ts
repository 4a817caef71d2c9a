import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { makeVarnish, startOrigin, tagsVcl, varnishFound, xkeyFound } from '../test/caches/purge/varnish.ts';

export interface PurgeTarget {
  readonly words: string;
  /** What purges urls, and what purges tags. */
  readonly address: string;
  readonly tagAddress: string;
  close(): Promise<void>;
}

/** Two Varnish, as the manual configures them; where it is not installed, a server that only answers. */
export async function openPurgeTarget(say: (line: string) => void): Promise<PurgeTarget> {
  if (varnishFound && xkeyFound) return await openVarnish();
  say(
    '  NOT VARNISH: it or its xkey is not here (Debian: varnish, varnish-modules): a bare node:http answers',
  );
  const child = fork(join(import.meta.dirname, 'bare-target.js'));
  const ended = once(child, 'close');
  const [port] = (await once(child, 'message')) as [number];
  const address = `http://127.0.0.1:${port}`;
  return {
    words: 'bare node:http, as Varnish is not installed',
    address,
    tagAddress: address,
    async close() {
      child.kill();
      await ended;
    },
  };
}

async function openVarnish(): Promise<PurgeTarget> {
  const origin = await startOrigin();
  const [urls, tags] = [await makeVarnish(origin.port), await makeVarnish(origin.port, tagsVcl)];
  await Promise.all([urls.start(), tags.start()]);
  return {
    words: 'Varnish',
    address: urls.address,
    tagAddress: tags.address,
    async close() {
      await Promise.all([urls.remove(), tags.remove()]);
      origin.close();
    },
  };
}
