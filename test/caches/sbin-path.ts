/** For nginx and varnishd, which Debian has in directories that only root has on its PATH. */
export const withSbin = (): NodeJS.ProcessEnv => ({
  ...process.env,
  PATH: [process.env.PATH, '/usr/local/sbin', '/usr/sbin'].join(':'),
});
