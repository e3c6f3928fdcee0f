import { existsSync } from 'node:fs'
import path from 'node:path'

/**
 * Where the daily files are: in `BATCHWRIGHT_REAL_DATA`, else in `shared/data` beside the repository, else where
 * `npm run generate` puts them. Looked up when a run is planned; the run then keeps to the files that it found.
 */
export function retailFiles(project: string): string {
  const named = process.env['BATCHWRIGHT_REAL_DATA']
  if (named !== undefined && named !== '') return path.resolve(project, named, 'retail', 'files')
  const shared = path.resolve(project, '../../../shared/data/retail/files')
  return existsSync(shared) ? shared : path.join(project, 'data', 'retail', 'files')
}
