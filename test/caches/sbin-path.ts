// Debian has nginx and varnishd in directories that only root has on its PATH.
process.env.PATH = [process.env.PATH, '/usr/local/sbin', '/usr/sbin'].join(':');
