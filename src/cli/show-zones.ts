import { join } from 'node:path';
import { nginx } from '../caches/nginx/nginx-steps.ts';
import { readZones } from '../caches/nginx/zones.ts';
import type { Handler } from '../clearing/handler.ts';
import type { CacheSections } from '../core/configuration.ts';
import type { Step } from '../core/target-cache.ts';
import { askWorker } from './ask-worker.ts';
import { complain, say } from './output.ts';

/** The files of zones that a clearing would take, and the keys that have none. Returns whether some could not be seen. */
export async function showZones(
  { steps }: Handler,
  sections: CacheSections,
  urlsOf: (step: Step) => readonly string[],
): Promise<boolean> {
  let failed = false;
  const byName = new Map(readZones(sections).zones.map((zone) => [zone.name, zone]));
  for (const step of steps.filter(({ kind }) => kind === nginx)) {
    const zone = byName.get(step.cache);
    if (!zone) continue;
    const { name, path, levels, how, keysOf } = zone;
    const keys = urlsOf(step).flatMap(keysOf);
    try {
      const { found, failures } = await askWorker(path, { kind: 'zone-find', levels, keys });
      for (const file of found)
        say(
          `would ${verbs[how]} ${join(path, file.path)} (${file.key}, stored ${new Date(file.writtenMs).toISOString()})`,
        );
      const seen = new Set([...found, ...failures].map(({ key }) => key));
      for (const key of keys) if (!seen.has(key)) say(`nginx.${name} has no page with the key ${key}`);
      for (const { path: at, code, message } of failures)
        complain(`cannot look at ${join(path, at)}: ${code}, ${message}`);
      failed ||= failures.length > 0;
    } catch (error) {
      complain(`cannot look at nginx.${name}: ${(error as Error).message}`);
      failed = true;
    }
  }
  return failed;
}

const verbs = { spoil: 'spoil', unlink: 'delete', soft: 'let expire' } as const;
