/**
 * libpq's variables are about another server than the demo's. PGBIN is the tests' own; a password is for this
 * server, or does no harm.
 */
export const variables = Object.keys(process.env).filter(
  (name) => /^PG[A-Z]/.test(name) && name !== 'PGBIN' && name !== 'PGPASSWORD',
);

export function forgetVariables(): void {
  for (const name of variables) delete process.env[name];
}
