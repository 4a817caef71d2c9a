/**
 * Each line that is not UTF-8: a value in it, such as a password, would differ from what an editor shows.
 */
export function notUtf8(bytes: Buffer): string[] {
  // One character for each byte, so that a line keeps its bytes.
  const text = bytes.toString('latin1');
  if (/^(\xff\xfe|\xfe\xff)/.test(text))
    return ['line 1: is UTF-16, not UTF-8: save the file in that encoding'];
  return text
    .split(/\r\n|\r|\n/)
    .flatMap((line, index) =>
      isUtf8(Buffer.from(line, 'latin1'))
        ? []
        : [`line ${index + 1}: is not UTF-8: save the file in that encoding`],
    );
}

function isUtf8(bytes: Buffer): boolean {
  return Buffer.from(bytes.toString()).equals(bytes);
}
