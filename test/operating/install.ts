import { blocksOf } from './blocks.ts';
import type { Step } from './machine.ts';

export interface NamedStep extends Step {
  readonly name: string;
}

/** A PostgreSQL (site.sh), then the steps of doc/operating.md up to a configuration that works. */
export function installSteps(document: string): NamedStep[] {
  const blocks = blocksOf(document).filter(({ language }) => language === 'sh');
  const under = (heading: string) =>
    blocks
      .filter((block) => block.heading === heading)
      .map(({ text }) => ({ name: heading, language: 'sh', text }));
  return [
    { name: 'server', language: 'sh', text: 'make_server' },
    {
      name: 'account',
      language: 'sh',
      text: 'adduser --system --group --no-create-home --home /nonexistent uncached',
    },
    ...under('2. Account and cache'),
    ...under('3. Database'),
    ...under('4. Configuration').slice(0, 1),
  ];
}

/** The blocks that are tried in a test of their own. */
export function triedIn(document: string, test: string): string[] {
  return blocksOf(document).flatMap((block) => (block.triedIn === test ? [block.text] : []));
}
