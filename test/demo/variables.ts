/**
 * libpq's variables describe another server than the demo's. PGBIN is for the tests themselves. A password is
 * for this server, or does no harm.
 */
export const variables = Object.keys(process.env).filter(
  (name) => /^PG[A-Z]/.test(name) && name !== 'PGBIN' && name !== 'PGPASSWORD',
);

export function forgetVariables(): void {
  for (const name of variables) delete process.env[name];
}
