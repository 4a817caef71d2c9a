import type { Random } from '../../random.ts';

const sections = [
  '[dirs]',
  '[database]',
  '[DEFAULT]',
  '[Dirs]',
  '[ a ]',
  '[a.b]',
  '[x] trailing',
  '[handler.é]',
];
const names = [
  'BASEDIR',
  'basedir',
  'Path',
  'two words',
  'a',
  'A',
  'b',
  'c',
  'd',
  'e',
  'f',
  'g',
  'É',
  'İ',
  'x[]',
];
const signs = ['=', ' = ', ' = ', ' = ', ':', ' : ', '\t=\t', '=:', ' \u2003= ', '\xa0=\x85'];
const pieces = [
  ...['x', 'yz', '/var/db', ' ', '\t', '=', ':', ' ; x', ' # y', ';', '#', '[', ']', '\\', '\\n', `'`, `'q'`],
  ...['"', '"q r"', 'é', '\u2028', '\x85', '\x0b', '\x1c', '\ufeff', '$1', '$&', '{x}', 's', '%%', '%%s'],
];
const references = ['%(a)s', '%(B)s', '%(c)s', '%(basedir)s', '%(BASEDIR)s', '%(missing)s', '%(two words)s'];
const mistakes = ['%', '%s', '%(', '%(a)', '%()s', '%(a)d', '%%%'];
const junk = ['no sign', '[]', '= x', ': x', ']', '[a', 'x', '\\'];
const indents = [' ', '  ', '\t', '    ', '\x0c', '\xa0'];

/** A file of a few sections. Python accepts most of them. */
export function generateIni(chance: Random): Buffer {
  const lines: string[] = [];
  const eol = chance.pick(['\n', '\n', '\n', '\r\n', '\r']);
  const bag = [...sections];
  if (chance.chance(0.05)) lines.push(optionLine(chance, [...names]));
  for (let left = 1 + chance.below(4); left > 0; left--) {
    const section = chance.chance(0.05) ? chance.pick(sections) : takeFrom(bag, chance);
    lines.push(chance.chance(0.05) ? chance.pick(indents) + section : section, ...body(chance));
  }
  const bytes = Buffer.from(
    `${chance.chance(0.03) ? '\ufeff' : ''}${lines.join(eol)}${chance.pick(['', eol])}`,
  );
  // At any position, even inside a character.
  if (chance.chance(0.04)) bytes[chance.below(bytes.length)] = 0xc0 + chance.below(0x40);
  return bytes;
}

function body(chance: Random): string[] {
  const bag = [...names];
  return chance.list(7, () => {
    const kind = chance.below(100);
    if (kind < 55) return optionLine(chance, bag);
    if (kind < 70) return `${chance.pick(indents)}${value(chance)}`;
    if (kind < 80) return chance.pick(['', ' ', '\t', '\x85', '']);
    if (kind < 90) return `${chance.pick(['', ...indents])}${chance.pick([';', '#'])}${value(chance)}`;
    if (kind < 98) return `${chance.pick(indents)}${optionLine(chance, bag)}`;
    return chance.pick(junk);
  });
}

/** Rarely the same name twice, also in another case. */
function optionLine(chance: Random, bag: string[]): string {
  const name = chance.chance(0.03) ? chance.pick(names) : takeFrom(bag, chance);
  for (const other of bag.filter((one) => one.toLowerCase() === name.toLowerCase()))
    bag.splice(bag.indexOf(other), 1);
  return `${name}${chance.pick(signs)}${value(chance)}`;
}

function value(chance: Random): string {
  const piece = () => {
    const kind = chance.below(100);
    return chance.pick(kind < 80 ? pieces : kind < 97 ? references : mistakes);
  };
  return chance.list(4, piece).join('');
}

function takeFrom(bag: string[], chance: Random): string {
  return bag.splice(chance.below(bag.length), 1)[0] ?? 'z';
}
