import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';

const work = mkdtempSync(join(tmpdir(), 'uncached-etc-'));
afterAll(() => rmSync(work, { recursive: true }));

/** Skipped loudly where there is no such program. */
function has(program: string, debianPackage: string): boolean {
  const found = spawnSync('sh', ['-c', `PATH=$PATH:/usr/sbin command -v ${program}`]).status === 0;
  if (!found) console.warn(`SKIPPED: there is no ${program}: apt-get install ${debianPackage}`);
  return found;
}

const rules = readFileSync('etc/prometheus-rules.yml', 'utf8');

interface Panel {
  readonly id: number;
  readonly title: string;
  readonly gridPos: { x: number; y: number; w: number; h: number };
  readonly targets: readonly { expr: string }[];
}

const dashboard = JSON.parse(readFileSync('etc/grafana-dashboard.json', 'utf8')) as { panels: Panel[] };
const panelExpressions = dashboard.panels.flatMap(({ targets }) => targets.map(({ expr }) => expr));
const ruleExpressions = [...rules.matchAll(/^ +expr: (.+)$/gm)].map(([, expr = '']) => expr);

describe('etc/prometheus-rules.yml', () => {
  const promtool = has('promtool', 'prometheus');

  it.skipIf(!promtool)('loads', () => {
    expect(
      execFileSync('promtool', ['check', 'rules', 'etc/prometheus-rules.yml'], { encoding: 'utf8' }),
    ).toContain('SUCCESS: 7 rules found');
  });

  it.skipIf(!promtool)('raises each alert when it should, and not sooner', () => {
    const { status, stdout, stderr } = spawnSync(
      'promtool',
      ['test', 'rules', 'test/etc/prometheus-rules.yml'],
      {
        encoding: 'utf8',
      },
    );
    expect(status, stdout + stderr).toBe(0);
  });

  it('has no alert that is not tried', () => {
    const tried = readFileSync('test/etc/prometheus-rules.yml', 'utf8');
    for (const [, name] of rules.matchAll(/alert: (\w+)/g))
      expect(tried, name).toMatch(new RegExp(`alertname: ${name}\\n +exp_alerts:`));
  });

  it.skipIf(!promtool)('and the dashboard: every expression is PromQL', () => {
    const file = join(work, 'dashboard.yml');
    const group = {
      name: 'dashboard',
      rules: panelExpressions.map((expr) => ({
        record: 'panel',
        expr: expr.replaceAll('$__rate_interval', '1m'),
      })),
    };
    writeFileSync(file, JSON.stringify({ groups: [group] }));
    const { stdout, stderr } = spawnSync('promtool', ['check', 'rules', '--lint=none', file], {
      encoding: 'utf8',
    });
    expect(stdout, stderr).toContain(`SUCCESS: ${panelExpressions.length} rules found`);
  });
});

describe('metrics', () => {
  const known = readFileSync('doc/metrics.md', 'utf8');

  it.each([...ruleExpressions, ...panelExpressions])('of %s are exported', (expr) => {
    const names = [...expr.matchAll(/\b(?:uncached|process)_\w+/g)].map(([name]) =>
      name.replace(/_(bucket|sum|count)$/, ''),
    );
    for (const name of names) expect(known).toMatch(new RegExp(`^\\| \`${name}\` \\|`, 'm'));
    expect(names.length > 0 || /\bup\{/.test(expr)).toBe(true);
  });
});

describe('etc/grafana-dashboard.json', () => {
  it('has panels that neither share an id nor overlap', () => {
    const { panels } = dashboard;
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const places = panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_one, at) => `${x + (at % w)} ${y + Math.floor(at / w)}`),
    );
    expect(new Set(places).size).toBe(places.length);
    for (const { gridPos } of panels) expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
  });

  it('shows everything that is alarmed on', () => {
    const names = (texts: readonly string[]) => texts.flatMap((text) => text.match(/uncached_\w+/g) ?? []);
    const shown = names(panelExpressions);
    const alarmed = names(ruleExpressions).filter((name) => name !== 'uncached_counts_age_seconds');
    expect(alarmed.filter((name) => !shown.includes(name))).toEqual([]);
  });
});

describe('etc/logrotate.conf', () => {
  it.skipIf(!has('logrotate', 'logrotate'))('rotates a log that somebody holds open', () => {
    const log = join(work, 'uncached.log');
    const file = join(work, 'logrotate.conf');
    writeFileSync(log, 'a line\n');
    const text = readFileSync('etc/logrotate.conf', 'utf8').replaceAll('/var/log/uncached.log', log);
    writeFileSync(file, text, { mode: 0o644 });
    const { status, stderr } = spawnSync(
      'logrotate',
      ['-v', '--force', '--state', join(work, 'state'), file],
      {
        encoding: 'utf8',
        env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
      },
    );
    expect(status, stderr).toBe(0);
    expect(stderr).not.toContain('error:');
    expect(readFileSync(log, 'utf8')).toBe('');
    expect(readFileSync(`${log}.1`, 'utf8')).toBe('a line\n');
  });
});

it('etc/newsyslog.conf has the fields of newsyslog.conf(5)', () => {
  const lines = readFileSync('etc/newsyslog.conf', 'utf8')
    .split('\n')
    .filter((line) => /^[^#]/.test(line));
  expect(lines).toEqual([expect.stringMatching(/^\/\S+ +[0-7]{3} +\d+ +\d+ +\* +[A-Z]+$/)]);
});
