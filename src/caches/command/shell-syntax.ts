import type { HandlerSettings } from '../../core/configuration.ts';

/**
 * Finds shell syntax, which neither templates nor commands understand: people who write it expect what never
 * happens.
 */
export function shellProblems({ name, clear, run }: HandlerSettings): string[] {
  return [
    ...clear.flatMap((text) =>
      templateProblems(text).map((problem) => `[handler.${name}] clear[] = ${text}: ${problem}`),
    ),
    ...(run === undefined ? [] : commandProblems(run)).map(
      (problem) => `[handler.${name}] run = ${run}: ${problem}`,
    ),
  ];
}

function templateProblems(text: string): string[] {
  const plain = text.replace(/\\./gs, '').replace(/\[[^\]]*\]/g, '');
  const alternatives = /\{[^{}:]*,[^{}]*\}/.exec(plain)?.[0];
  return [
    ...(plain.includes('**')
      ? [
          '"**" is "*" twice and stays within one component: write a template for each depth (a/*, a/*/*), or name the directory, which goes with its contents (a/)',
        ]
      : []),
    ...(alternatives === undefined
      ? []
      : [`${alternatives} is a column and no choice of names: write a template for each`]),
  ];
}

/**
 * Pairs of a pattern and what to say if it is found. Arguments that programs use themselves are left out: a
 * URL with "&" or "?", `find`'s "{}" and ";".
 */
const syntax: readonly (readonly [found: RegExp, what: string])[] = [
  [/(?<!\S)(\|\|?|&&?|\d?>>?(&\d)?|<<?)(?=\s|$)|(?<!\S)\d?>>?[^\s=]\S*/, 'no shell runs it'],
  [/\S;(?=\s|$)/, 'no shell runs it'],
  [/\$(\w+|\{[^}]*\}|\([^)]*\))|`/, 'it is not replaced, for no shell runs the command'],
  [/(?<!\S)~\S*/, 'it is no home directory, for no shell runs the command'],
  [/(?<![$])\{[^{}\s]+\}/, 'it is passed as it is: no column, and no choice of names'],
  [/["']/, 'quotes do not hold words together: the command is split at each space'],
];

/** What a command has that only a shell understands. */
export function commandProblems(run: string): string[] {
  const problems = syntax.flatMap(([found, what]) => {
    const [text] = found.exec(run) ?? [];
    return text === undefined ? [] : [`"${text}": ${what}`];
  });
  return problems.length === 0
    ? []
    : [`${problems.join('; ')}: put it into a script that begins with #!/bin/sh, and name that`];
}
