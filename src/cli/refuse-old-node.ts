// Imported before everything else: the rest fails on an old Node.js, in words that name no remedy.
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `uncached: Node.js ${process.versions.node} is too old: install Node.js 20.19 or newer\n`,
  );
  process.exit(2);
}
