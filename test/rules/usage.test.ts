import { readFileSync } from 'node:fs';
import { describe, expect, it, vi } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';

const manual = readFileSync('doc/usage.md', 'utf8');

/** The help that commander prints for a command. */
async function help(command: readonly string[]): Promise<string> {
  let text = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    text += chunk;
    return true;
  });
  try {
    expect(await runProgram([...command, '--help'])).toBe(0);
  } finally {
    write.mockRestore();
  }
  return text;
}

/**
 * The lines under a heading of the help: the term on the left, and the description, which may continue on
 * further lines.
 */
function listed(text: string, heading: string): { term: string; description: string }[] {
  const part = text.split(`${heading}:\n`)[1]?.split('\n\n')[0] ?? '';
  const joined = part.replace(/\n {10,}/g, ' ');
  return [...joined.matchAll(/^ {2}(\S.*?)(?: {2,}(.*))?$/gm)].map(([, term = '', description = '']) => ({
    term,
    description,
  }));
}

async function commandsBelow(command: readonly string[]): Promise<string[][]> {
  const text = await help(command);
  const names = listed(text, 'Commands').map(({ term }) => term.split(/[ |]/)[0] ?? '');
  const below = await Promise.all(
    names.filter((name) => name !== 'help').map((name) => commandsBelow([...command, name])),
  );
  // One with commands below it is one itself if it has options.
  const isOne = below.length === 0 || (command.length > 0 && listed(text, 'Options').length > 1);
  return [...(isOne ? [[...command]] : []), ...below.flat()];
}

const commands: string[][] = [];
for (const command of await commandsBelow([])) commands.push(command);

function sectionOf(heading: string): string {
  return manual.split(/^##+ /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
}

const flagsIn = (section: string) => [...section.matchAll(/^\| `(-[^`]*)` \|/gm)].map(([, flags]) => flags);

it('doc/usage.md has each command and no others', () => {
  const written = [...manual.matchAll(/^### (.+)$/gm)].map(([, name]) => name);
  expect(written).toEqual(commands.map((command) => command.join(' ')));
});

describe.each(commands.map((command) => ({ name: command.join(' '), command })))(
  'uncached $name',
  ({ name, command }) => {
    it('has its options in doc/usage.md, with their defaults', async () => {
      const section = sectionOf(name);
      const options = listed(await help(command), 'Options').filter(({ term }) => term !== '-h, --help');
      expect(flagsIn(section)).toEqual(options.map(({ term }) => term));
      for (const { term, description } of options) {
        const [, value] = /\(default: "(.*)"\)/.exec(description) ?? [];
        const row = section.split('\n').find((line) => line.startsWith(`| \`${term}\``)) ?? '';
        if (value !== undefined) expect(row).toContain(`Default: \`${value}\``);
      }
    });

    it('has an example that begins like its usage', () => {
      expect(sectionOf(name)).toMatch(new RegExp(`^\`\`\`sh\nuncached ${name}( |$)`, 'm'));
    });
  },
);

it('doc/usage.md has the options of uncached itself', async () => {
  const options = listed(await help([]), 'Options').map(({ term }) => term);
  expect(flagsIn(manual.split('## Commands')[0] ?? '').sort()).toEqual(options.sort());
});

it('README.md has a row for each command', () => {
  const table = readFileSync('README.md', 'utf8');
  const rows = [...table.matchAll(/^\| `([a-z]+)[^`]*` \|/gm)].map(([, name]) => name);
  const names = new Set(commands.map(([first]) => first));
  expect(rows).toEqual(expect.arrayContaining([...names]));
});
