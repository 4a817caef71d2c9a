import { expect } from 'vitest';

/** The script with what it finds in the system replaced by what stands in for it in this folder and here. */
export function standIn(script: string, folder: string): string {
  const places: [string, string][] = [
    ['. /etc/rc.subr', `. ${folder}/rc.subr`],
    ['command="/usr/sbin/daemon"', `command="${import.meta.dirname}/daemon"`],
    ['"/var/run/', `"${folder}/`],
  ];
  return places.reduce((text, [from, to]) => {
    expect(text).toContain(from);
    return text.replaceAll(from, to);
  }, script);
}
