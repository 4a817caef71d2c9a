import type { PurgeSettings } from '../../../src/core/configuration.ts';

/** The defaults of a `[purge.NAME]`. */
export function purgeSettings(settings: Partial<PurgeSettings>): PurgeSettings {
  return {
    name: 'varnish',
    to: ['http://127.0.0.1:1'],
    request: 'PURGE {url}',
    header: [],
    site: ['https://www.example.org'],
    expect: [],
    batchBytes: 6_000,
    connections: 4,
    everythingOver: 10_000,
    timeoutMs: 5_000,
    ...settings,
  };
}
