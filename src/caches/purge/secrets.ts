import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const placeholder = /\{(env|file|credential):([^{}]+)\}/g;

/**
 * Fills in `{env:NAME}`, `{file:/path}` and `{credential:NAME}`, a file in the directory that systemd names in
 * $CREDENTIALS_DIRECTORY. One newline at the end of a file is not part of the secret. Throws an Error that
 * says what to do where one cannot be had.
 * @param found takes each of them
 */
export function fillSecrets(
  text: string,
  env: NodeJS.ProcessEnv = process.env,
  found: string[] = [],
): string {
  return text.replace(placeholder, (_all, kind: string, name: string) => {
    const secret = findSecret(kind, name, env);
    found.push(secret);
    return secret;
  });
}

function findSecret(kind: string, name: string, env: NodeJS.ProcessEnv): string {
  if (kind === 'file') return readSecret(name);
  if (kind === 'credential') return readSecret(credentialFile(name, env));
  const value = env[name];
  if (value === undefined || value === '') throw new Error(`the environment variable ${name} is not set`);
  return value;
}

/** The files that everybody may read. */
export function openSecrets(text: string, env: NodeJS.ProcessEnv = process.env): string[] {
  return [...text.matchAll(placeholder)].flatMap(([, kind, name = '']) => {
    if (kind === 'env') return [];
    try {
      const file = kind === 'file' ? name : credentialFile(name, env);
      return (statSync(file).mode & 0o004) === 0 ? [] : [file];
    } catch {
      // fillSecrets reports it.
      return [];
    }
  });
}

function credentialFile(name: string, env: NodeJS.ProcessEnv): string {
  const directory = env.CREDENTIALS_DIRECTORY;
  if (!directory)
    throw new Error(
      `the credential ${name} is not there: systemd gives it to the service (LoadCredential=${name}:/path); elsewhere write {file:/path}`,
    );
  if (name.includes('/')) throw new Error(`the credential ${name} must be a name without "/"`);
  return join(directory, name);
}

function readSecret(file: string): string {
  let text: string;
  try {
    text = readFileSync(file, 'utf8').replace(/\r?\n$/, '');
  } catch (error) {
    throw new Error(`cannot read the secret: ${(error as Error).message}`);
  }
  if (text === '') throw new Error(`the file ${file} is empty`);
  return text;
}
