import type { Handler } from '../../clearing/handler.ts';
import type { ReadSteps, Step } from '../../core/target-cache.ts';
import { parseTemplate, type Template } from '../../template/template.ts';

/** There is one cache of page files, in which every handler clears. */
export const files = 'files';

interface FilesStep extends Step {
  readonly plans: readonly Template[];
}

/** From `clear[]`. What follows is cleared once for each batch: its templates name no columns. */
export const readFilesSteps: ReadSteps = ({ name, clear }, followers) => {
  const problems: string[] = [];
  const plans = clear.flatMap((text) => {
    try {
      return [parseTemplate(text)];
    } catch (error) {
      problems.push(`[handler.${name}] ${(error as Error).message}`);
      return [];
    }
  });
  const followerOf = new Map(
    followers.flatMap((follower) => follower.clear.map((text) => [text, follower.name] as const)),
  );
  const shared = followers.flatMap((follower) => follower.clear);
  const step: FilesStep = { kind: files, cache: files, plans, shared, followerOf };
  return { steps: [step], problems };
};

/** Its templates, without those of its followers. */
export function templatesOf({ steps }: Handler): readonly Template[] {
  return steps.filter(isOfFiles).flatMap(({ plans }) => plans);
}

export function isOfFiles(step: Step): step is FilesStep {
  return step.kind === files;
}

/** Every directory that some template names literally, and each directory above it, as paths below root. */
export function frontsOf(handlers: Iterable<Handler>): string[] {
  const fronts = new Set<string>();
  for (const handler of handlers) {
    for (const { front } of templatesOf(handler)) {
      const components = front === '' ? [] : front.split('/');
      for (const at of components.keys()) fronts.add(components.slice(0, at + 1).join('/'));
    }
  }
  return [...fronts];
}

/** Patterns that cover whatever the templates name, for any key. */
export function everythingOf(handlers: Iterable<Handler>): string[] {
  return [
    ...new Set([...handlers].flatMap((one) => templatesOf(one).flatMap(({ everything }) => everything))),
  ];
}
