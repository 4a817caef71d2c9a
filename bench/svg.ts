/** One line of a plot. Points are in the units of the axes. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [number, number])[];
}

export interface Axis {
  readonly label: string;
  /** From the smallest mark to the largest. */
  readonly marks: readonly number[];
  readonly logarithmic: boolean;
}

const size = { width: 640, height: 340, left: 64, right: 150, top: 34, bottom: 48 };

/** Distinguishable without colour, and visible on light and dark pages. */
const strokes = [
  { color: '#2f81f7', dash: '' },
  { color: '#d9822b', dash: '7 4' },
  { color: '#7d8590', dash: '2 4' },
  { color: '#2da44e', dash: '9 3 2 3' },
];

/** A plot as a stand-alone SVG: no style sheet, no fonts but the reader's. */
export function plot(title: string, lines: readonly Line[], x: Axis, y: Axis): string {
  const right = size.width - size.right;
  const bottom = size.height - size.bottom;
  const across = scale(x, size.left, right);
  const up = scale(y, bottom, size.top);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" font-family="sans-serif" font-size="12" role="img">
<title>${escaped(title)}</title>
<style>text { fill: #1f2328 } .grid { stroke: #7d8590; stroke-opacity: .35 } @media (prefers-color-scheme: dark) { text { fill: #e6edf3 } }</style>
<text x="${size.left}" y="18" font-size="14" font-weight="bold">${escaped(title)}</text>
${x.marks.map((mark) => markAcross(mark, across(mark), bottom)).join('\n')}
${y.marks.map((mark) => markUp(mark, up(mark), right)).join('\n')}
<text x="${(size.left + right) / 2}" y="${size.height - 8}" text-anchor="middle">${escaped(x.label)}</text>
<text transform="translate(14 ${(size.top + bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(y.label)}</text>
${lines.map((line, index) => drawn(line, index, { across, up, right })).join('\n')}
</svg>
`;
}

function scale({ marks, logarithmic }: Axis, from: number, to: number): (value: number) => number {
  const on = (value: number) => (logarithmic ? Math.log10(value) : value);
  const [least = 0, most = 1] = [on(marks[0] ?? 0), on(marks.at(-1) ?? 1)];
  return (value) => {
    const part = (on(value) - least) / (most - least);
    return Number((from + Math.min(1, Math.max(0, part)) * (to - from)).toFixed(1));
  };
}

function markAcross(mark: number, at: number, bottom: number): string {
  return `<path class="grid" d="M${at} ${size.top}V${bottom}"/><text x="${at}" y="${bottom + 18}" text-anchor="middle">${name(mark)}</text>`;
}

function markUp(mark: number, at: number, right: number): string {
  return `<path class="grid" d="M${size.left} ${at}H${right}"/><text x="${size.left - 6}" y="${at + 4}" text-anchor="end">${name(mark)}</text>`;
}

type Place = { across: (value: number) => number; up: (value: number) => number; right: number };

function drawn({ name: words, points }: Line, index: number, { across, up, right }: Place): string {
  const { color, dash } = strokes[index % strokes.length] ?? { color: '#7d8590', dash: '' };
  const path = points.map(([x, y]) => `${across(x)} ${up(y)}`).join('L');
  const at = size.top + 12 + index * 20;
  const stroke = `stroke="${color}" stroke-width="2" stroke-dasharray="${dash}" fill="none"`;
  return `<path d="M${path}" ${stroke}/><path d="M${right + 10} ${at}h24" ${stroke}/><text x="${right + 40}" y="${at + 4}">${escaped(words)}</text>`;
}

function name(mark: number): string {
  return mark >= 1_000 ? `${mark / 1_000}k`.replace('000k', 'M') : String(mark);
}

function escaped(text: string): string {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;');
}
