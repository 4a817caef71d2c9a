import type { Mutation } from './code.ts';

/** Each takes one precaution away. */
export const mutations = {
  'what was overtaken is stored': {
    file: 'value-cache.ts',
    edits: [["if (ended()) return counted(value, 'overtaken');", 'ended();']],
  },
  'the token is taken after the snapshot': {
    file: 'renders.ts',
    edits: [
      [
        'render.dependencies.push(dependency);',
        `render.dependencies.push(dependency);
         if (render.dependencies.length === 1) render.begun = render.examinedTo = this.count;`,
      ],
    ],
  },
  'a wipe spares renders': {
    file: 'value-cache.ts',
    edits: [['renders.changed({ channel: undefined, key: undefined });', '']],
  },
  'a caller joins whatever is under way': {
    file: 'value-cache.ts',
    edits: [['const arrived = renders.count;', 'const arrived = -1;']],
  },
  'changes before a late declaration are forgotten': {
    file: 'renders.ts',
    edits: [['render.overtakenAt = Math.min(render.overtakenAt, at);', '']],
  },
  'there is no wipe after LISTEN': {
    file: 'shared-listener.ts',
    edits: [['for (const follower of followers) follower.wipe();', '']],
  },
  'the wipe comes before LISTEN': {
    file: 'shared-listener.ts',
    edits: [
      ['for (const follower of followers) follower.wipe();', ''],
      [
        'const listener = await source.listen',
        `for (const follower of followers) follower.wipe();
         const listener = await source.listen`,
      ],
    ],
  },
  'a heartbeat that was sent before serves current()': {
    file: 'proofs.ts',
    edits: [['if (underWay === undefined) return send();', 'return underWay ?? send();']],
  },
} satisfies Readonly<Record<string, Mutation>>;
