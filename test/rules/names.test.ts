import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Words that this project replaced by the usual ones. */
const oldWords: Readonly<Record<string, string>> = {
  again: 'recovery, retry',
  ageless: 'unknown age',
  ahead: 'prefetch',
  anew: 'again, a verb with re-',
  apart: 'worker, separate',
  aside: 'separate',
  audible: 'usable',
  countable: 'source',
  deaf: 'not listening, not receiving',
  ear: 'listener',
  ears: 'listener',
  guess: 'candidate',
  hand: 'worker',
  hands: 'worker',
  hears: 'events, receive',
  journal: 'log',
  lane: 'consumer',
  lanes: 'consumer',
  listened: 'binding',
  look: 'snapshot, inspect, read',
  looked: 'snapshot, inspected',
  means: 'context, options',
  mending: 'remedies',
  moment: 'sample',
  moments: 'history',
  nothing: 'empty',
  pace: 'batch size',
  poison: 'failing row',
  rest: 'cooldown',
  revival: 'recovery',
  strangers: 'unknown …, channel problems',
  stranger: 'unknown …, unmatched',
  sufferer: 'subject',
  suffering: 'failure tracker',
  tell: 'report, log, push',
  told: 'reported, logged',
  unhurried: 'background',
  watched: 'source, traced',
  whoever: 'the name of who it is',
  words: 'format…',
};

const files = readdirSync('src', { recursive: true, encoding: 'utf8' }).filter((file) =>
  file.endsWith('.ts'),
);

/** `formatOldWord` consists of the words format, old and word. */
const wordsOf = (name: string) => name.split(/(?=[A-Z])|[-._]/).map((word) => word.toLowerCase());

function oldWordsIn(names: Iterable<string>): string[] {
  return [...names].flatMap((name) =>
    wordsOf(name)
      .filter((word) => Object.hasOwn(oldWords, word))
      .map((word) => `${name}: not "${word}" but ${oldWords[word]}`),
  );
}

describe.each(files)('src/%s', (file) => {
  it('exports no name with a word that was given up', () => {
    const text = readFileSync(join('src', file), 'utf8');
    const names = text.matchAll(
      /^export (?:async |abstract )?(?:function\*?|class|interface|type|const|let) ([\w$]+)/gm,
    );
    expect(oldWordsIn([...names].map(([, name]) => name ?? ''))).toEqual([]);
  });

  it('has a name that no other file of src has, and no word that was given up', () => {
    expect(files.filter((other) => basename(other) === basename(file))).toEqual([file]);
    expect(oldWordsIn([basename(file, '.ts')])).toEqual([]);
  });
});

describe('doc/design.md, "Layout"', () => {
  const [, tree = ''] = /## Layout\n\n```\n(.*?)```/s.exec(readFileSync('doc/design.md', 'utf8')) ?? [];
  const listed = pathsOf(tree);

  it('lists every folder of src and no other', () => {
    const folders = readdirSync('src', { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map((entry) => `${join(entry.parentPath, entry.name)}/`);
    const shown = listed.filter((path) => path.startsWith('src/') && path !== 'src/' && path.endsWith('/'));
    expect(shown.toSorted()).toEqual(folders.toSorted());
  });

  it('lists every file that lies right below src and no other', () => {
    const shown = listed.filter((path) => path.startsWith('src/') && !path.endsWith('/'));
    expect(shown.toSorted()).toEqual(
      files
        .filter((file) => !file.includes('/'))
        .map((file) => join('src', file))
        .toSorted(),
    );
  });

  it('lists folders that exist', () => {
    const missing = listed.filter((path) => !path.startsWith('src/')).filter((path) => !isFolder(path));
    expect(missing).toEqual([]);
  });
});

/** The paths of a tree that is drawn with an indentation of two. */
function pathsOf(drawn: string): string[] {
  const above: string[] = [];
  return drawn.split('\n').flatMap((line) => {
    const [, indent = '', name] = /^( *)([\w.-]+\/?)(?= |$)/.exec(line) ?? [];
    if (name === undefined || indent.length > 8) return [];
    above.length = indent.length / 2;
    above.push(name);
    return [above.join('')];
  });
}

function isFolder(path: string): boolean {
  return readdirSync('.').includes(path.replace(/\/$/, ''));
}
