/**
 * Django's slugify: accents are folded, what is no ASCII then is dropped like punctuation, blanks and dashes become one
 * `-`, and none is left at the ends. Rails and WordPress make the same of words; doc/config.md has what they do else.
 */
export function slug(value: string): string {
  return value
    .normalize('NFKD')
    .replace(/[^\0-\x7f]/g, '')
    .toLowerCase()
    .replace(/[^\w\s\x1c-\x1f-]/g, '')
    .replace(/[\s\x1c-\x1f-]+/g, '-')
    .replace(/^[-_]+|[-_]+$/g, '');
}

/** FreshPorts' cleaned commit ids: lower case, each run of other characters becomes one `-`, also at the ends. */
export function dashes(value: string): string {
  return value.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}
