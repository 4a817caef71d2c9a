// Writes doc/licenses.md: what the package depends on, with each licence as that package brings it. The program
// contains these packages (scripts/bundle.js), so their licences go with it. Another file may be named.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';

const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const used = Object.entries(packages)
  .filter(([path, { dev, optional }]) => path !== '' && !dev && !optional)
  .map(([path, { version }]) => ({
    path,
    name: path.replace(/^.*node_modules\//, ''),
    version,
    ...licenceOf(path),
  }))
  .sort((a, b) => (a.name < b.name ? -1 : 1));

writeFileSync(process.argv[2] ?? 'doc/licenses.md', document());

function licenceOf(path) {
  const { license } = JSON.parse(readFileSync(`${path}/package.json`, 'utf8'));
  if (typeof license !== 'string') throw new Error(`${path}/package.json names no licence`);
  const file = readdirSync(path).find((name) => /^licen[cs]e/i.test(name));
  // Some have it in their README alone, and some only name it.
  const text = file ? readFileSync(`${path}/${file}`, 'utf8') : inReadme(path);
  return { license, text };
}

function inReadme(path) {
  const file = ['README.md', 'readme.md', 'Readme.md']
    .map((name) => `${path}/${name}`)
    .find((name) => existsSync(name));
  const [, text] =
    /\n#+ *Licen[cs]e\b[^\n]*\n([\s\S]+?)(?=\n#|$)/i.exec(file ? readFileSync(file, 'utf8') : '') ?? [];
  return text;
}

function document() {
  const rows = used.map(({ name, version, license }) => `| ${name} | ${version} | ${license} |`);
  const texts = used.map(
    ({ name, license, text }) =>
      `### ${name}\n\n\`\`\`\n${text?.trim().replaceAll('\r', '') ?? `${license}; its package has no text of it.`}\n\`\`\`\n`,
  );
  return `# Licences of dependencies

The program contains these packages. Made by \`node scripts/licenses.js\`.

| package | version | licence |
|---|---|---|
${rows.join('\n')}

## Texts

${texts.join('\n')}`;
}
