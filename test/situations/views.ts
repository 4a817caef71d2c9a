import type { Status } from '../../src/core/daemon-status.ts';
import type { LogLine } from '../uncached.ts';
import type { Stand } from './stand.ts';

/** The HTTP responses at one moment. Undefined where nobody answers. */
export interface Served {
  readonly page: Status | undefined;
  readonly readyz: { readonly code: number; readonly body: string } | undefined;
  readonly metrics: string | undefined;
}

/** A tenth of the default scrape time-out of Prometheus. */
const patienceMs = 1_000;

export async function served({ port }: Stand): Promise<Served> {
  const [page, readyz, metrics] = await Promise.all(
    ['status.json', 'readyz', 'metrics'].map((path) => ask(`http://127.0.0.1:${port}/${path}`)),
  );
  return {
    page: page && (JSON.parse(page.body) as Status),
    readyz,
    metrics: metrics?.body,
  };
}

async function ask(url: string): Promise<Served['readyz']> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(3 * patienceMs) });
    return { code: response.status, body: await response.text() };
  } catch {
    return undefined;
  }
}

const warn = 40;

export function complaints(log: readonly LogLine[]): LogLine[] {
  return log.filter(({ level }) => level >= warn);
}
