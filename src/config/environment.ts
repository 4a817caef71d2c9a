import { didYouMean } from '../core/suggest.ts';
import { type Option, options, optionsOf, type Section } from './options.ts';
import type { Entry } from './read-entries.ts';

/** Options that the environment sets where the file does not: an fp-listen.ini has no options for them. */
export interface FromEnvironment {
  /** As if they were in the file. */
  readonly entries: readonly Entry[];
  readonly problems: readonly string[];
  readonly notices: readonly string[];
  /** A sentence for each entry, for the reader of the effective configuration. */
  readonly origins: readonly string[];
}

/**
 * As in libpq: first the file, then the environment, then the default, and an empty variable counts as unset.
 * A variable that the file overrides, or that looks misspelt, is a notice and not a problem: others may set
 * UNCACHED_… for reasons of their own, such as Kubernetes for a service of this name.
 */
export function readEnvironment(env: NodeJS.ProcessEnv, file: readonly Entry[]): FromEnvironment {
  const entries: Entry[] = [];
  const problems: string[] = [];
  const notices: string[] = misspelt(env);
  const origins: string[] = [];
  for (const { section, name, option, variable } of variables) {
    const value = env[variable]?.trim() ?? '';
    const written = file.find((entry) => entry.section === section && entry.option === name);
    if (value === '' || written?.value === value) continue;
    const problem = problemOf(option, value);
    if (written) {
      notices.push(`${variable}=${value} has no effect: line ${written.line} sets [${section}] ${name}`);
    } else if (problem !== undefined) {
      problems.push(`${variable}=${value} in the environment: ${problem}`);
    } else {
      entries.push({ section, option: name, value, list: false, line: 0 });
      origins.push(`[${section}] ${name} comes from ${variable} in the environment`);
    }
  }
  return { entries, problems, notices, origins };
}

const variables = (Object.keys(options) as Section[]).flatMap((section) =>
  optionsOf(section).flatMap(([name, option]) =>
    option.variable === undefined ? [] : [{ section, name, option, variable: option.variable }],
  ),
);

function problemOf({ parse }: Option<unknown>, value: string): string | undefined {
  try {
    parse(value);
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

/** What Kubernetes sets for a service of this name, and looks like one of ours. */
const kubernetes = /^UNCACHED_(PORT|SERVICE)(_|$)/;

function misspelt(env: NodeJS.ProcessEnv): string[] {
  const known = [...variables.map(({ variable }) => variable), 'UNCACHED_CONFIG'];
  return Object.keys(env)
    .filter((name) => name.startsWith('UNCACHED_') && !known.includes(name) && !kubernetes.test(name))
    .map((name) => ({ name, near: didYouMean(name, known) }))
    .filter(({ near }) => near !== '')
    .map(({ name, near }) => `the environment variable ${name} means nothing${near}`);
}
