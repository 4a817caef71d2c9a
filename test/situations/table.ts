import { readFileSync, writeFileSync } from 'node:fs';
import { columns, type Row } from './row.ts';

/** Rows by the situation's name, in the order of the table. */
export type Table = ReadonlyMap<string, Row>;

const file = 'doc/reliability.md';
const between = /(<!-- situations: begin -->\n)[\s\S]*?(?=<!-- situations: end -->)/;

function tableOf(rows: Table): string {
  const lines = [...rows].map(([name, row]) => [name, ...columns.map((column) => row[column])]);
  return [['situation', ...columns], columns.map(() => '---').concat('---'), ...lines]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`)
    .join('');
}

export function published(): Table {
  const [text = ''] = between.exec(readFileSync(file, 'utf8')) ?? [];
  const lines = text.split('\n').filter((line) => line.startsWith('| '));
  return new Map(
    lines.map((line) => {
      const [name = '', ...cells] = line.slice(2, -2).split(' | ');
      return [name, Object.fromEntries(columns.map((column, at) => [column, cells[at] ?? ''])) as Row];
    }),
  );
}

/** Writes a table of each: situations that stop clearing, those in which it goes on, and those of another node. */
export function publish({
  stopped,
  goesOn,
  elsewhere,
}: Readonly<Record<'stopped' | 'goesOn' | 'elsewhere', Table>>): void {
  const text = [
    tableOf(stopped),
    'Pages are cleared all the same, at the latest by the sweep, in these:\n',
    tableOf(goesOn),
    'In these something is wrong at another node. There it is as above. `status` says it everywhere; page, /readyz, rules and\nlog are those of a node that is well:\n',
    tableOf(elsewhere),
  ].join('\n');
  const before = readFileSync(file, 'utf8');
  writeFileSync(
    file,
    before.replace(between, (_, begin) => begin + text),
  );
}
