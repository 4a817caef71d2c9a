import { didYouMean } from '../core/suggest.ts';
import { channelProblem } from './channel-name.ts';

/** setTimeout's longest time. */
const longestMs = 2 ** 31 - 1;

const checks: Readonly<Record<string, (value: unknown) => string | undefined>> = {
  connection: (value) =>
    typeof value === 'object' && value !== null
      ? undefined
      : 'must be an object such as { host, port, user, database }, as node-postgres takes it',
  channels: channelsProblem,
  onError: (value) => (typeof value === 'function' ? undefined : 'must be a function that is given an Error'),
  max: (value) =>
    Number.isSafeInteger(value) && Number(value) > 0 ? undefined : 'must be an integer over 0',
  maxStaleMs: (value) => durationProblem(value, 100),
  staleForMs: (value) => durationProblem(value, 0),
};

/** Throws a TypeError with every problem. */
export function checkOptions(options: Readonly<Record<string, unknown>>): void {
  const optional = ['max', 'maxStaleMs', 'staleForMs'];
  const problems = Object.entries(checks).flatMap(([name, check]) => {
    const value = options[name];
    const problem = value === undefined && optional.includes(name) ? undefined : check(value);
    return problem === undefined ? [] : [`${name} ${problem}`];
  });
  const names = Object.keys(checks);
  const unknown = Object.keys(options)
    .filter((name) => !names.includes(name))
    .map((name) => `there is no option ${name}${didYouMean(name, names)}`);
  if (problems.length + unknown.length > 0)
    throw new TypeError(`Cannot make a memory cache: ${[...problems, ...unknown].join('; ')}`);
}

function channelsProblem(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length === 0) return 'must be a list of at least one channel';
  const problem = value.map(channelProblem).find((one) => one !== undefined);
  return problem === undefined ? undefined : `must name channels of PostgreSQL: ${problem}`;
}

function durationProblem(value: unknown, leastMs: number): string | undefined {
  if (typeof value === 'number' && value >= leastMs && value <= longestMs) return undefined;
  return `must be a number of milliseconds from ${leastMs} to ${longestMs}`;
}
