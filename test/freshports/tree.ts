/** The cache on disk as FreshPorts' web site fills it. */
export const tree: readonly string[] = [
  'ports/www/nginx/Detail.Part1.head.PageSize100.PageNum1.html',
  'ports/www/nginx/Detail.Part2.head.PageSize100.PageNum1.html',
  'ports/www/nginx/Detail.Part3.head.PageSize100.PageNum1.html',
  'ports/www/nginx/files/patch-conf.PageSize100.PageNum1.html',
  'ports/www/apache24/Detail.Part1.head.PageSize100.PageNum1.html',
  'ports/devel/nginx/Detail.Part1.head.PageSize100.PageNum1.html',
  'ports/x11/plasma/Detail.Part1.head.PageSize100.PageNum1.html',
  'ports/MOVED.PageSize100.PageNum1.html',
  'ports/MOVED2.PageSize100.PageNum1.html',
  'ports/UPDATING.PageSize100.PageNum1.html',
  'ports/Mk/bsd.port.mk.PageSize100.PageNum1.html',
  'categories/www/www.1.head.PageSize100.PageNum1.html',
  'categories/devel/devel.1.head.PageSize100.PageNum1.html',
  'categories/x11/x11.1.head.PageSize100.PageNum1.html',
  'categories/kde/kde.1.head.PageSize100.PageNum1.html',
  'daily/2020/01/03.daily.head',
  'daily/2020/01/03.daily.2020Q1',
  'daily/2020/01/04.daily.head',
  'daily/2020/02/03.daily.head',
  'daily/2008/01/03.daily.head',
  'commits/b1f9d52c0a5e/b1f9d52c0a5e.www.nginx.n.html',
  'commits/b1f9d52c0a5f/b1f9d52c0a5f.www.nginx.y.html',
  'commits/200801031415-m03efxyz012345-repoman-freebsd-org/200801031415-m03efxyz012345-repoman-freebsd-org.www.nginx.n.html',
  'general/sanity_test_failures.PageSize100.PageNum1.html',
  'general/sanity_test_failures.b1f9d52c0a5e.PageSize100.PageNum1.html',
  'general/sanity_test_failures.b1f9d52c0a5f.PageSize100.PageNum1.html',
  'news/news.xml',
  'news/index.PageNum1.html',
  'packages/www/nginx.html',
];

/** Files in the same cache that nothing may delete. */
export const untouchable: readonly string[] = [
  'spooling/pages.x7Yz01',
  'spooling/ports/www/nginx/Detail.Part1.head.PageSize100.PageNum1.html',
  'html/index.html',
  'pages/www/nginx/Detail.Part1.head.PageSize100.PageNum1.html',
  'searchlog.txt',
];

export const below = (...prefixes: readonly string[]): string[] =>
  tree.filter((page) => prefixes.some((prefix) => page.startsWith(prefix)));
