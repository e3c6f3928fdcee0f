#!/usr/bin/env node
/**
 * What `batchwright` starts. It is not built, so that it is there before the build is; everything it loads is. Its syntax is
 * old enough for versions of Node that dist/cli.js turns away.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const cli = new URL('../dist/cli.js', import.meta.url)

if (existsSync(fileURLToPath(cli))) {
  import(cli.href)
} else {
  const message = 'this copy of Batchwright has not been built'
  const hint = 'run `npm run build` in the repository'
  if (process.argv.includes('--json')) {
    const error = { code: 'NOT_BUILT', message: message, hint: hint, details: {} }
    process.stdout.write(JSON.stringify({ error: error }) + '\n')
  } else {
    process.stderr.write('error: ' + message + '\n  hint  ' + hint + '\n  code  NOT_BUILT\n')
  }
  process.exitCode = 2
}
