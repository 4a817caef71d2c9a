// Makes the man pages from the documents: man/uncached.8 from doc/usage.md, man/uncached.ini.5 from
// doc/config.md. Run at `npm pack`.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { Marked } from 'marked';
import man from 'marked-man';

const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

const directory = process.argv[2] ?? 'man';

make('uncached', 8, 'deletes cached pages when the PostgreSQL data behind them changes', {
  document: 'doc/usage.md',
  synopsis: '## SYNOPSIS\n\n**uncached** [**--config** *FILE*] *COMMAND* [*ARGUMENT*...]\n\n',
  seeAlso: '**uncached.ini**(5)',
});
make('uncached.ini', 5, 'configuration of uncached', {
  document: 'doc/config.md',
  synopsis: '',
  seeAlso: '**uncached**(8)',
});

function make(name, section, purpose, { document, synopsis, seeAlso }) {
  const [, ...lines] = readFileSync(document, 'utf8').split('\n');
  const [introduction, ...parts] = lines
    .join('\n')
    .trim()
    .split(/^(?=## )/m);
  const text = `# ${name}(${section}) -- ${purpose}\n\n${synopsis}## DESCRIPTION\n\n${[introduction, ...parts.map(upperCase)].join('')}\n\n## SEE ALSO\n\n${seeAlso}\n`;
  const roff = new Marked(man, {
    manual: 'uncached',
    manVersion: version,
    breaks: false,
    async: false,
  }).parse(listTables(plainLinks(text)));
  mkdirSync(directory, { recursive: true });
  writeFileSync(`${directory}/${name}.${section}`, settle(roff));
}

/** In the style of man pages' headings; a section of the configuration keeps its name. */
function upperCase(part) {
  return part.replace(/^## [^[\n]+$/m, (heading) => heading.toUpperCase());
}

/** A terminal has no links: documents are named by their path in the package. */
function plainLinks(text) {
  return text.replace(/\[[^\]]+\]\(([\w.]+\.md)\)/g, 'doc/$1');
}

/**
 * Tables do not fit on eighty columns: each row becomes an item of a list. A column in the middle is the
 * default.
 */
function listTables(text) {
  return text.replace(/^\|.*\|\n\|[-| :]+\|\n((?:\|.*\|\n)+)/gm, (_table, rows) =>
    rows
      .trimEnd()
      .split('\n')
      .map((row) => {
        const cells = row.slice(1, -1).split(/(?<!\\)\|/);
        const [term, ...others] = cells.map((cell) => cell.trim().replaceAll('\\|', '|'));
        const meaning = others.pop();
        const preset =
          others[0] === undefined || others[0] === 'none' ? '' : `Default: ${others[0].replace(/\.$/, '')}. `;
        return `- ${term}\n\n  ${preset}${meaning}\n`;
      })
      .join(''),
  );
}

/** Input that mandoc and groff would warn of. */
function settle(roff) {
  const date = new Date(Number(process.env.SOURCE_DATE_EPOCH ?? Date.now() / 1000) * 1000)
    .toISOString()
    .slice(0, 10);
  return (
    roff
      .replace(/^(\.TH "[^"]*" "\d" )"[^"]*"/m, `$1"${date}"`)
      .replace(/^(\.S[HS] .*\n)\.P\n/gm, '$1')
      // An item of listTables: the term on the left, its meaning below.
      .replace(/^\.RS 1\n((?:\.IP \\\(bu 2\n.*\n\n?\.P\n[\s\S]*?)+?)\.RE\n/gm, (_all, items) =>
        items.replace(/^\.IP \\\(bu 2\n(.*)\n\n?\.P\n/gm, '.TP\n$1\n'),
      )
  );
}
