import { spawnSync } from 'node:child_process';

/** Debian's own Python, which has Debian's python3-… packages, before any other in the PATH. */
const pythons = ['/usr/bin/python3', 'python3'];

/** A Python that can import the modules. Undefined, with a warning, where there is none. */
export function findPython(modules: string, install: string): string | undefined {
  const found = pythons.find((python) => spawnSync(python, ['-c', `import ${modules}`]).status === 0);
  if (found === undefined) console.warn(`SKIPPED: no Python that can import ${modules}: install ${install}`);
  return found;
}

/** Runs a script that reads JSON from standard input and prints JSON. */
export function askPython(python: string, script: string, question: unknown): unknown {
  const { status, stdout, stderr } = spawnSync(python, ['-c', script], {
    input: JSON.stringify(question),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
    env: { ...process.env, PYTHONIOENCODING: 'utf-8' },
  });
  if (status !== 0) throw new Error(`Cannot ask Python: ${stderr}`);
  return JSON.parse(stdout);
}
