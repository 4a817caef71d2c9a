import { hideSecrets } from '../caches/purge/hide-secrets.ts';
import type { PurgeRequest } from '../caches/purge/request-template.ts';
import type { Target } from '../caches/purge/targets.ts';
import { clip } from '../core/printable-text.ts';

/** A request for many is long. */
const longest = 1_000;

/** The requests for these urls or tags, a line each, with secrets hidden; what a program would read. */
export function requestsFor(target: Target, works: readonly string[]): string[] {
  const { sites, template, batch, address } = target;
  const hide = hideSecrets(target);
  const parts = Array.from({ length: Math.ceil(works.length / batch) }, (_, nth) =>
    works.slice(nth * batch, (nth + 1) * batch),
  );
  return parts.flatMap((part) =>
    (sites.length > 0 ? sites : [undefined]).map((site) => {
      const request = template.fill({ works: part, site });
      const text =
        address.program === undefined ? formatRequest(request, address.text) : formatInput(request);
      return clip(hide(text), longest);
    }),
  );
}

/** As `PURGE http://127.0.0.1:6081/a/  host: www.example.org`. */
function formatRequest({ method, path, headers, body }: PurgeRequest, address: string): string {
  const sent = Object.entries(headers).map(([name, value]) => `${name}: ${value}`);
  return [`${method} ${address}${path}`, ...sent, ...(body === undefined ? [] : [body])].join('  ');
}

function formatInput({ path, body = '' }: PurgeRequest): string {
  return `${path} would read ${body.trim().split('\n').join(' ')}`;
}
