import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

/**
 * All temporary folders of a test run lie in one, which goes at its end: also those of tests and processes that were killed.
 * Node keeps there what it has compiled: threads and processes, of which tests start hundreds, strip the types of our source
 * once for all of them.
 */
export default function setup(): () => void {
  const folder = mkdtempSync(path.join(tmpdir(), 'batchwright-tests-'))
  // PostgreSQL refuses to run as root: its own user must be able to pass through to its folder.
  chmodSync(folder, 0o711)
  process.env['TMPDIR'] = folder
  process.env['NODE_COMPILE_CACHE'] = path.join(folder, 'compiled')
  return () => {
    rmSync(folder, { recursive: true, force: true })
  }
}
