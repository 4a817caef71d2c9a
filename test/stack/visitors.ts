import { Agent, type IncomingMessage, request } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import type { Random } from '../random.ts';
import type { Article } from './article.ts';
import { articles, type Layer } from './stack.ts';

/** What a visitor of the site gets. */
export interface Visit {
  readonly article: Article;
  /** It came from a cache that a layer in front of the site has. */
  readonly cached: boolean;
}

const agent = new Agent({ keepAlive: true });

/** Rejects if the layer, or what is behind it, does not answer. */
export async function visit({ address }: Layer, id: number): Promise<Visit> {
  const sent = request(`${address}/articles/${id}`, { agent, headers: { host: 'www.example.org' } });
  sent.setTimeout(5_000, () => sent.destroy(new Error('no answer within 5 s')));
  const answered = new Promise<IncomingMessage>((resolve, reject) => {
    sent.on('response', resolve).on('error', reject);
  });
  sent.end();
  const response = await answered;
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  if (response.statusCode !== 200) throw new Error(`${address} answers ${response.statusCode}`);
  const { headers } = response;
  return {
    article: JSON.parse(body) as Article,
    cached: headers['x-cache'] === 'HIT' || String(headers['x-varnish']).includes(' '),
  };
}

/** Visits random pages until the signal aborts; while something is down they fail. Returns how many were answered. */
export async function visitUntil(
  signal: AbortSignal,
  layers: readonly Layer[],
  random: Random,
): Promise<number> {
  let answered = 0;
  while (!signal.aborted) {
    await visit(random.pick(layers), 1 + random.below(articles)).then(
      () => {
        answered += 1;
      },
      () => wait(50),
    );
    await wait(random.between(0, 20));
  }
  return answered;
}
