import { readFileSync } from 'node:fs';

/** The name of an account on this machine; its number if the account is not kept in /etc/passwd. */
export function accountName(uid: number): string {
  return nameIn('/etc/passwd', uid) ?? `uid ${uid}`;
}

export function groupName(gid: number): string {
  return nameIn('/etc/group', gid) ?? `gid ${gid}`;
}

/** Both files have the name in the first field and the number in the third. */
function nameIn(file: string, id: number): string | undefined {
  try {
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.find((line) => line.split(':')[2] === String(id))?.split(':')[0] || undefined;
  } catch {
    return undefined;
  }
}
