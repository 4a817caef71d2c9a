import type { Directory, Walk } from '../../src/filesystem/walk/directory.ts';

/** A walk that calls `after` just after every listing and every unlink, in any directory. */
export function interposed(walk: Walk, after: () => void): Walk {
  return { openRoot: (...given) => told(walk.openRoot(...given), after) };
}

function told(directory: Directory, after: () => void): Directory {
  return new Proxy(directory, {
    get(target, key) {
      const member: unknown = Reflect.get(target, key, target);
      if (typeof member !== 'function') return member;
      return (...args: unknown[]) => {
        if (key !== 'names' && key !== 'unlink' && key !== 'open') return member.apply(target, args);
        try {
          const result = member.apply(target, args);
          return key === 'open' && result !== undefined ? told(result as Directory, after) : result;
        } finally {
          after();
        }
      };
    },
  });
}
