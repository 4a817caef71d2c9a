/** How fp-listen uses a path of [dirs]. */
interface PathKey {
  /** The columns that its `%s` stand for; a list for each template that it becomes. */
  readonly columns: readonly (readonly string[])[];
  /** Its place below the cache in FreshPorts. */
  readonly usual: string;
}

/**
 * fp-listen searched for a commit by its id, so it never found the pages of Subversion's commits, whose
 * directories have the cleaned id.
 */
const commit = [['{commit_to_clear}'], ['{commit_to_clear:dashes}']];

export const pathKeys: Readonly<Record<string, PathKey>> = {
  port_cache_path: { columns: [['{category}', '{port}']], usual: 'ports/%%s/%%s/*' },
  category_cache_path: { columns: [['{category}']], usual: 'categories/%%s/*' },
  date_cache_path: {
    columns: [['{date_to_clear:%Y}', '{date_to_clear:%m}', '{date_to_clear:%d}']],
    usual: 'daily/%%s/%%s/%%s.*',
  },
  commit_cache_path: { columns: commit, usual: 'commits/%%s/' },
  sanity_cache_path: { columns: commit, usual: 'general/sanity_test_failures.%%s.*.html' },
  sanity_main_cache_path: { columns: [[]], usual: 'general/sanity_test_failures.PageSize*.html' },
  // A path in the repository, which begins with "/ports/head/" where a page's begins with "ports/".
  file_cache_path: { columns: [['{pathname:below /ports/head}']], usual: 'ports%%s.*' },
};

/** A directory, or a glob of its contents. */
export const newsKey = 'news_cache_dir';
export const packagesKey = 'pkg_zfs_snapshot';

export const dirsKeys = ['basedir', ...Object.keys(pathKeys), newsKey, packagesKey];

/** What fp-listen did for a script_name of listen_for. */
export interface Reaction {
  readonly name: string;
  readonly queue?: string;
  /** It needs all of them: with fewer, an entry would be gone and none of its pages cleared. */
  readonly keys: readonly string[];
  /**
   * Paths that are cleared as well, if they are set; and what stays stale if not. fp-listen.ini had none of
   * them at first: a file of that age names what its site has.
   */
  readonly more?: Readonly<Record<string, string>>;
}

/** Each clears the news as well. */
export const reactions: readonly Reaction[] = [
  {
    name: 'listen_port',
    queue: 'cache_clearing_ports',
    keys: ['port_cache_path'],
    more: { category_cache_path: 'the pages of categories' },
  },
  { name: 'listen_date_updated', queue: 'cache_clearing_dates', keys: ['date_cache_path'] },
  {
    name: 'listen_commit',
    queue: 'cache_clearing_commits',
    keys: ['commit_cache_path'],
    more: {
      sanity_cache_path: "a commit's sanity test failures",
      sanity_main_cache_path: 'the list of sanity test failures',
    },
  },
  { name: 'listen_file_updated', queue: 'cache_clearing_files', keys: ['file_cache_path'] },
  { name: 'listen_ports_moved', keys: [] },
  { name: 'listen_ports_updating', keys: [] },
  { name: 'listen_vuxml', keys: [] },
  { name: 'listen_category_new', keys: [] },
];

export const packagesReaction = 'listen_packages_imported';
