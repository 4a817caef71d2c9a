/** As etc/uncached.ini.sample has them. */
export const handlers = `
[handler.listen_port]
queue = cache_clearing_ports
clear[] = ports/{category}/{port}/*
clear[] = categories/{category}/*
then = news
[handler.listen_date_updated]
queue = cache_clearing_dates
clear[] = daily/{date_to_clear:%Y}/{date_to_clear:%m}/{date_to_clear:%d}.*
then = news
[handler.listen_commit]
queue = cache_clearing_commits
clear[] = commits/{commit_to_clear}/
clear[] = commits/{commit_to_clear:slug}/
clear[] = general/sanity_test_failures.{commit_to_clear}.*.html
clear[] = general/sanity_test_failures.PageSize*.html
then = news
[handler.listen_file_updated]
queue = cache_clearing_files
clear[] = ports/{pathname:below /ports/head}.*
then = news
[handler.news]
clear[] = news/*
`;
