import { decode, encode, hasBytes } from '../core/bytes.ts';
import { isWild, unescapeData } from '../core/pattern.ts';
import type { Name } from './directory.ts';

/** Decides whether one file name matches. */
export type Matcher = (name: string) => boolean;

const matchers = new Map<string, Matcher>();

/**
 * The matcher of a pattern's component. A wildcard never matches a leading dot, so that temps and other hidden files are out
 * of its reach.
 */
export function matcher(component: string): Matcher {
  const known = matchers.get(component);
  if (known) return known;
  const made = make(component);
  // Wild components come from templates, of which there are few, but may carry data (`{day}.*`): do not keep them all.
  if (matchers.size >= 1_000) matchers.clear();
  matchers.set(component, made);
  return made;
}

function make(component: string): Matcher {
  if (component === '*') return (name) => !name.startsWith('.');
  if (!isWild(component)) {
    const literal = unescapeData(component);
    return (name) => name === literal;
  }
  const hidden = component.startsWith('.') ? '' : '(?!\\.)';
  const expression = new RegExp(`^${hidden}${toRegExpSource(component)}$`, 'su');
  return (name) => expression.test(name);
}

const token = /\\(.)|(\*+)|(\?)|\[([!^]?)((?:\\.|[^\]\\])+)\]|(.)/gsu;

function toRegExpSource(component: string): string {
  return component.replace(token, (_all, escaped, stars, mark, negated, set, plain) => {
    if (escaped !== undefined) return quote(escaped);
    if (stars !== undefined) return '.*';
    if (mark !== undefined) return '.';
    if (set !== undefined) return `[${negated ? '^' : ''}${quoteSet(set)}]`;
    return quote(plain);
  });
}

function quote(character: string): string {
  return /[\\^$.*+?()[\]{}|/]/.test(character) ? `\\${character}` : character;
}

/** The inside of `[…]`: ranges keep their `-`, everything else is literal. */
function quoteSet(set: string): string {
  return set.replace(/\\(.)|([[\]^\\])/gsu, (_all, escaped, bare) => {
    const member = escaped ?? bare;
    return /[[\]^\\-]/.test(member) ? `\\${member}` : member;
  });
}

/** A name as text, in which a byte that is no UTF-8 is one character (core/bytes.ts). */
export function textOf(name: Name): string {
  return typeof name === 'string' ? name : decode(name);
}

/** The name that a text stands for. */
export function nameOf(text: string): Name {
  return hasBytes(text) ? encode(text) : text;
}
