import type { SeenConsumer } from './consumer-contract.ts';

/** As people call it: "files on web1 (/var/cache/site)". */
export function formatConsumer({
  kind,
  name,
  node,
  place,
}: Pick<SeenConsumer, 'kind' | 'name' | 'node' | 'place'>): string {
  const called = name === kind ? kind : `${kind} ${name}`;
  return [called, ...(node ? [`on ${node}`] : []), ...(place ? [`(${place})`] : [])].join(' ');
}
