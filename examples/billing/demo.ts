/**
 * Seven months of a shop's transactions become published invoices. Kill it half way and type it again: it goes on.
 *
 *   npm run demo            the same as: batchwright run billing --window 2010-12..2011-06
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs'
import path from 'node:path'
import { generate } from './generate.ts'
import { retailFiles } from './jobs/input.ts'

const project = import.meta.dirname
const WINDOWS = '2010-12..2011-06'

function main(): number {
  const files = retailFiles(project)
  if (files === path.join(project, 'data', 'retail', 'files') && !existsSync(files)) {
    console.log('Making seven months of transactions ...')
    const making = path.join(project, 'data', 'making') // a name of its own, so that a demo killed here makes them anew
    rmSync(making, { recursive: true, force: true })
    const made = generate({ out: making, from: '2010-12', months: 7, scale: 1, seed: 1 })
    renameSync(path.join(making, 'retail'), path.join(project, 'data', 'retail'))
    console.log(`${made.lines.toLocaleString('en')} lines in ${made.files} files.`)
  }
  console.log(`Reading ${readdirSync(files).length} daily files from ${path.relative(process.cwd(), files)}`)
  const cli = path.join(project, '../../packages/batchwright/dist/cli.js')
  const run = spawnSync(process.execPath, [cli, 'run', 'billing', '--window', WINDOWS], {
    cwd: project,
    stdio: 'inherit',
  })
  if (run.status === 0) console.log(NEXT)
  else console.log('\nType it again: what is done stays done, the rest goes on from its last checkpoint.')
  return run.status ?? 1
}

const NEXT = `
Look around, in examples/billing:
  npx batchwright datasets                                      what is published
  npx batchwright datasets cat month_totals --window 2011-01    a published table
  npx batchwright dead-letters list billing                      the lines that broke a rule
  npx batchwright runs                                          all runs; 'show ID' tells one in full
`

process.exitCode = main()
