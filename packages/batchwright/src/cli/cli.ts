#!/usr/bin/env node
/**
 * The first file of the command line. It loads nothing before it has looked at Node's version, and its own syntax is old
 * enough to be read by versions that cannot read the rest.
 */
const NEEDED_MAJOR = 24
const found = process.versions.node

if (Number(found.split('.')[0]) >= NEEDED_MAJOR) {
  void import('./main.ts').then(({ main }) => main(process.argv.slice(2)))
} else {
  const error = {
    code: 'NODE_TOO_OLD',
    message: 'Batchwright needs Node ' + String(NEEDED_MAJOR) + ' or newer; this is Node ' + found,
    hint: 'Install it from https://nodejs.org, or with a version manager (`nvm install 24`, `fnm install 24`), and try again.',
    details: { needed: NEEDED_MAJOR, found: found, node: process.execPath },
  }
  if (process.argv.includes('--json')) {
    process.stdout.write(JSON.stringify({ error: error }) + '\n')
  } else {
    process.stderr.write(
      'error: ' +
        error.message +
        ' (' +
        process.execPath +
        ')\n  hint  ' +
        error.hint +
        '\n  code  ' +
        error.code +
        '\n',
    )
  }
  process.exitCode = 2
}
