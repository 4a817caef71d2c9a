import { quoteIdentifier } from './identifier.ts';

const rights: Readonly<Record<string, string>> = {
  database: 'CONNECT ON DATABASE',
  schema: 'USAGE ON SCHEMA',
  sequence: 'USAGE ON SEQUENCE',
  function: 'EXECUTE ON FUNCTION',
};

/** Only read, as `check` knows. */
const ownSequence = 'log_id_seq';

/**
 * What is missing when a right is (42501), as far as PostgreSQL's message shows. With the role, where it is
 * known, so that the command can be pasted.
 */
export function rightsAdvice({ message }: Error, role: string | undefined): string {
  const [, kind = '', name = ''] = /^permission denied for (\w+) "?(.*?)"?$/.exec(message) ?? [];
  const to = role === undefined ? "the daemon's role" : quoteIdentifier(role);
  const right = Object.hasOwn(rights, kind) && name !== ownSequence ? rights[kind] : undefined;
  if (right !== undefined) return `GRANT ${right} ${quoteIdentifier(name)} TO ${to}`;
  const most =
    role === 'uncached'
      ? ''
      : `; the daemon has most by: GRANT uncached TO ${to}; to watch with "uncached status", SELECT is enough`;
  return `"uncached check" prints the GRANT that is missing${most}`;
}
