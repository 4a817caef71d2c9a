/** A command block of a document, with the output that the document shows. */
export interface Block {
  readonly heading: string;
  readonly language: 'sh' | 'sql' | 'ini';
  readonly text: string;
  /** The reason why the test cannot run it. Undefined where it can. */
  readonly notTried: string | undefined;
  /** The test that runs it, where the test of the whole document does not. */
  readonly triedIn: string | undefined;
  readonly prints: string | undefined;
}

const token =
  /^#+ (?<heading>.*)$|^ *<!-- (?:not tried: (?<why>.*)|tried in (?<test>.*)) -->$|^(?<indent> *)```(?<language>sh|sql|ini|)\n(?<text>[\s\S]*?)^ *```$/gm;

/** The `sh`, `sql` and `ini` blocks in order. A block without a language directly after one is its output. */
export function blocksOf(document: string): Block[] {
  const blocks: Block[] = [];
  let heading = '';
  let why: string | undefined;
  let triedIn: string | undefined;
  let end = -1;
  for (const match of document.matchAll(token)) {
    const { heading: title, why: reason, test, language, text = '', indent = '' } = match.groups ?? {};
    if (title !== undefined) heading = title;
    else if (reason !== undefined) why = reason;
    else if (test !== undefined) triedIn = test;
    else if (language === 'sh' || language === 'sql' || language === 'ini') {
      const plain = text.replace(new RegExp(`^${indent}`, 'gm'), '');
      blocks.push({ heading, language, text: plain, notTried: why, triedIn, prints: undefined });
      why = undefined;
      triedIn = undefined;
      end = match.index + match[0].length;
    } else {
      const last = blocks.at(-1);
      if (last && document.slice(end, match.index).trim() === '')
        blocks[blocks.length - 1] = { ...last, prints: text };
    }
  }
  return blocks;
}

/** The pattern of `prints`: `…` matches anything, and columns may be wider. */
export function toPattern(prints: string): RegExp {
  const source = prints
    .trimEnd()
    .replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')
    .replace(/ +/g, ' +')
    .replaceAll('…', '[\\s\\S]*');
  return new RegExp(`(^|\n)${source}\\s*$`);
}
