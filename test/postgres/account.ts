import { readFileSync } from 'node:fs';

/** The user to run a program as. The fields are those that node:child_process takes. */
export interface Account {
  name: string;
  uid: number;
  gid: number;
}

const candidates = ['postgres', 'nobody'];

/**
 * The ordinary user that PostgreSQL runs as, since it refuses to run as root. Undefined when we are not root:
 * it then runs as our user. Throws when we are root and /etc/passwd names neither `postgres` nor `nobody`.
 */
export function ordinaryAccount(): Account | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const accounts = readFileSync('/etc/passwd', 'utf8').split('\n').map(parseAccount);
  for (const name of candidates) {
    const account = accounts.find((known) => known.name === name);
    if (account && account.uid > 0) return account;
  }
  throw new Error(
    `Cannot run PostgreSQL as root: /etc/passwd has no user ${candidates.join(' or ')}. ` +
      'Add one, run the tests as an ordinary user, or name a running server in DATABASE_URL',
  );
}

function parseAccount(line: string): Account {
  const [name = '', , uid, gid] = line.split(':');
  return { name, uid: Number(uid), gid: Number(gid) };
}
