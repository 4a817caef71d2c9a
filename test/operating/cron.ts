import { readFileSync } from 'node:fs';
import { blocksOf } from './blocks.ts';
import { installSteps, type NamedStep, triedIn } from './install.ts';

/** "Scheduled publication" in doc/recipes.md. A script stands for cron: cron.sh says how far. */
export function cronSteps(recipes: string, operating: string): NamedStep[] {
  const steps = installSteps(operating);
  const step = (name: string, text: string) => steps.push({ name, language: 'sh', text });
  const publication = blocksOf(recipes).find(
    ({ heading, language }) => heading === 'Scheduled publication' && language === 'sql',
  );
  const file = /^`(\S+\.sql)`:$/m.exec(recipes)?.[1] ?? '';

  step(
    'an article to come',
    `ask "ALTER TABLE articles ADD published boolean NOT NULL DEFAULT false, ADD published_at timestamptz"
     ask "INSERT INTO articles VALUES ('news', 'due', 'due', false, now()), ('news', 'later', 'later', false, now() + interval '1 day')"`,
  );
  step('daemon', 'start_daemon; until_true 20 settled; render due; render later');
  step(
    'the statement',
    `rm -f /etc/cron.d/*; mkdir -p "$(dirname ${file})"; cat > ${file} <<'SQL'
${publication?.text ?? ''}SQL`,
  );
  for (const text of triedIn(recipes, 'cron.test.ts')) step('the line of cron', text);
  step('a minute passes', `${readFileSync('test/operating/cron.sh', 'utf8')}\ncron_minute`);
  step('the page of what is due is cleared', 'until_true 20 not test -e $articles/news/due.html');
  step(
    'and no other',
    `until_true 20 settled; test -e $articles/news/later.html
     [ "$(ask 'SELECT slug FROM articles WHERE published')" = due ]`,
  );
  return steps;
}
