import { freshportsHandlers } from '../site.ts';

/** As etc/freshports.ini has them. */
export const handlers = freshportsHandlers.replace(
  'clear[] = commits/{commit_to_clear:dashes}/\n',
  (line) => `${line}clear[] = general/sanity_test_failures.{commit_to_clear}.*.html
clear[] = general/sanity_test_failures.PageSize*.html
`,
);
