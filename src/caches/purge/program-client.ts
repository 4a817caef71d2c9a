import { CommandFailed, type RunCommand } from '../../core/run-command.ts';
import type { Send } from './http-client.ts';
import type { PurgeRequest, RequestTemplate } from './request-template.ts';

/**
 * What a program is told: a line of JSON for each url or tag. Its `path` is the program with its arguments.
 * @param sites where there are sites, it takes urls
 */
export function programTemplate(run: string, sites: readonly string[]): RequestTemplate {
  const request = programRequest('run', run);
  const takes = sites.length > 0 ? 'url' : 'tag';
  return {
    takes,
    method,
    single: undefined,
    usualBatch: 100,
    fill({ works, site = '' }) {
      const lines = works.map((work) =>
        JSON.stringify(takes === 'tag' ? { tag: work } : { url: work, page: site + work }),
      );
      return { ...request, body: lines.map((line) => `${line}\n`).join('') };
    },
    // What it reads has no limit.
    cost: () => 0,
  };
}

const method = 'run';

/** Throws an Error that names the option and says what is wrong. */
export function programRequest(option: 'run' | 'everything', program: string): PurgeRequest {
  if (!program.startsWith('/'))
    throw new Error(`${option} = ${program}: must be a program by its absolute path; no shell runs it`);
  return { method, path: program, headers: {} };
}

/** A program that ends with 0 acknowledges. */
export function openProgram(run: RunCommand, timeoutMs: number): Send {
  return async ({ path, body = '' }) => {
    try {
      await run(path.split(/\s+/), { input: body, timeoutMs });
    } catch (error) {
      if (!(error instanceof CommandFailed)) throw error;
      const { outcome, lastLine } = error;
      throw new Error(lastLine === '' ? outcome : `${outcome}: ${lastLine}`);
    }
    return { status: 200, reason: '', headers: {}, body: '' };
  };
}
