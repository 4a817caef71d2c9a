import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';

export interface Alert {
  readonly name: string;
  readonly severity: string;
  readonly kind?: string;
  readonly handler?: string;
}

const rules = resolve('etc/prometheus-rules.yml');

/** Tests are skipped with a message where promtool is missing. */
export const hasPromtool = spawnSync('promtool', ['--version']).status === 0;
if (!hasPromtool) console.warn('SKIPPED: there is no promtool: apt-get install prometheus');

/**
 * The alerts of the shipped rules that fire when each scrape for two minutes returned this text of /metrics,
 * or failed. promtool reports an alert that a test did not expect.
 */
export function alertsOn(scraped: string | undefined): Alert[] {
  const samples = (scraped ?? '').split('\n').filter((line) => /^\w/.test(line));
  const series = [`up ${scraped === undefined ? 0 : 1}`, ...samples].map((line) => {
    const [, name, labels = '', value] = /^(\w+)(?:\{(.*)\})? (\S+)$/.exec(line) ?? [];
    if (name === undefined) throw new Error(`Cannot read the sample ${line}`);
    return { series: `${name}{job="uncached",instance="host",${labels}}`, values: `${value}x20` };
  });
  const names = [...readFileSync(rules, 'utf8').matchAll(/alert: (\w+)/g)].map(([, name]) => name);
  const test = {
    interval: '10s',
    input_series: series,
    alert_rule_test: names.map((alertname) => ({ eval_time: '2m', alertname })),
  };
  const folder = mkdtempSync(join(tmpdir(), 'uncached-alerts-'));
  try {
    const file = join(folder, 'test.yml');
    writeFileSync(file, JSON.stringify({ rule_files: [rules], evaluation_interval: '10s', tests: [test] }));
    const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
    const fired = [...`${stdout}${stderr}`.matchAll(/^ +Labels:\{(.*)\}$/gm)].map(([, labels = '']) =>
      alertOf(labels),
    );
    if ((status === 0) !== (fired.length === 0)) throw new Error(`Cannot read promtool:\n${stdout}${stderr}`);
    return fired;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function alertOf(text: string): Alert {
  const labels = [...text.matchAll(/(\w+)=("(?:[^"\\]|\\.)*")/g)];
  const { alertname, severity, kind, handler } = Object.fromEntries(
    labels.map(([, label, value = '']) => [label, JSON.parse(value)]),
  );
  return { name: alertname, severity, ...(kind && { kind }), ...(handler && { handler }) };
}
