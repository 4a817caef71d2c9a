import { alertsOn, hasPromtool } from '../etc/alerts.ts';

const worstFirst = ['UncachedGone', 'UncachedCritical', 'UncachedWarning'];

/**
 * The worst alert of etc/prometheus-rules.yml, according to promtool, that fires when this scrape result
 * stays the same. Undefined: the scrape fails.
 */
export function alertOn(metrics: string | undefined): string {
  const alert = likelyAlertOn(metrics);
  if (!hasPromtool) return alert;
  const firing = alertsOn(metrics).map(({ name }) => name);
  return worstFirst.find((name) => firing.includes(name)) ?? 'none';
}

/** The same without promtool, for frequent calls. */
export function likelyAlertOn(metrics: string | undefined): string {
  if (metrics === undefined) return 'UncachedGone';
  const problems = [...metrics.matchAll(/^uncached_problem\{.*\} (\d)$/gm)].map(([, level]) => level);
  if (problems.includes('2')) return 'UncachedCritical';
  return problems.includes('1') ? 'UncachedWarning' : 'none';
}
