/**
 * A pattern names files below root: components joined by `/`, in which `*`, `?` and `[…]` are wildcards and `\` takes the
 * meaning from the character after it. A trailing `/` names a directory. Templates make patterns (clearing/template.ts), the
 * filesystem matches them (filesystem/match.ts); this file is all that the two share.
 */

const special = /[*?[\]\\]/g;

/** Data in a pattern stands for itself. */
export function escapeData(data: string): string {
  return data.replace(special, '\\$&');
}

export function isWild(component: string): boolean {
  return /[*?[]/.test(component.replace(/\\./gs, ''));
}

/** The name that a component without wildcards stands for. */
export function unescapeData(component: string): string {
  return component.replace(/\\(.)/gs, '$1');
}
