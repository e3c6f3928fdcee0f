/**
 * Secrets of services never reach the store, the log, dead letters, errors or the screen (invariant 10): a job that does all it
 * can to tell one is run, and every byte that it left is searched.
 */
import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { project } from '../harness/project.ts'

const PASSWORD = 'tr0ub4dor & "three" more/words'
const TOKEN = 'f1le-token-0123456789'

const JOB = `
import { contract, csv, dataset, field, job, record, service } from 'batchwright'

const row = record({ id: field.text() })
const lines = dataset('lines', { files: 'in/lines.csv', format: csv(), contract: contract(1, row) })
const copies = dataset('copies', { location: 'out/copies', format: csv(), contract: contract(1, row) })

const bank = service('bank', {
  secrets: ['BANK_PASSWORD', 'BANK_TOKEN'],
  open: ({ secrets }) => ({ password: secrets.BANK_PASSWORD, token: secrets.BANK_TOKEN }),
})

export default job('telling', {}, (steps) => {
  const copied = steps
    .records('copy')
    .read(lines)
    .use({ bank })
    .process((line, { use, log }) => {
      const { password, token } = use.bank
      console.log('printed', password, token)
      console.error('printed', password, token)
      log('info', 'logged ' + token, { password, deep: [{ token }] })
      if (line.id === '2') throw new Error('refused: ' + password)
      if (line.id === '3') throw Object.assign(new Error('a URL'), { cause: new Error('https://me:' + encodeURIComponent(password) + '@bank') })
      return line
    })
    .skip(2)
    .write(copies)
  steps
    .function('die', { use: { bank } }, async ({ use, progress, save }) => {
      if (progress === null) {
        await save(1)
        setTimeout(() => { throw new Error('died of ' + use.bank.token) }, 1)
        await new Promise(() => undefined)
      }
      throw new Error('gave up with ' + JSON.stringify(use.bank))
    })
    .after(copied)
    .retry({ attempts: 2, backoff: { first: '1ms' } })
})
`

test('no secret is told by a run that does all it can to tell it', async () => {
  const made = project({ 'jobs/telling.ts': JOB, 'in/lines.csv': 'id\n1\n2\n3\n4\n', token: `${TOKEN}\n` })
  const environment = { BANK_PASSWORD: PASSWORD, BANK_TOKEN_FILE: path.join(made.folder, 'token') }
  const run = await made.start(['run', 'telling'], environment).finished
  expect(run.code, run.stderr).toBe(1)
  const shown = await made.cli('show', 'latest')
  const logs = await made.cli('logs', 'latest', '--limit', '1000')
  const letters = await made.cli('dead-letters', 'export', 'latest')
  const said = [run, shown, logs, letters].map(({ stdout, stderr }) => stdout + stderr).join('\n')
  // It was told of, each time, by its name.
  for (const words of [
    'printed [secret BANK_PASSWORD] [secret BANK_TOKEN]',
    'logged [secret BANK_TOKEN]',
    'refused: [secret BANK_PASSWORD]',
    'gave up with',
  ]) {
    expect(said).toContain(words)
  }
  const forms = [PASSWORD, JSON.stringify(PASSWORD).slice(1, -1), encodeURIComponent(PASSWORD), TOKEN]
  for (const form of forms) expect(said).not.toContain(form)
  const files = made.files('{.batchwright,out}/**/*').filter((file) => statSync(path.join(made.folder, file)).isFile())
  expect(files.length).toBeGreaterThan(5)
  for (const file of files) {
    const bytes = readFileSync(path.join(made.folder, file))
    for (const form of forms) expect(bytes.includes(form), `${file} tells a secret`).toBe(false)
  }
})
