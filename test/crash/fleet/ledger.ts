/** A project whose job keeps a fleet busy: records that are slow, dead letters of two kinds, a step in processes, sums. */

const DAYS = 6
const LINES = 900

const JOB = `
import { contract, csv, dataset, field, job, jsonl, record, reject } from 'batchwright'

const line = record({ id: field.text(), account: field.text(), amount: field.decimal({ scale: 2 }) })
const entry = record({ id: field.text(), account: field.text(), cents: field.integer() })
const total = record({ account: field.text(), entries: field.integer(), cents: field.integer() })

const lines = dataset('lines', { files: 'in/*.csv', format: csv(), contract: contract(1, line) })
const entries = dataset('entries', { location: 'out/entries', format: jsonl(), contract: contract(1, entry) })
const totals = dataset('totals', { location: 'out/totals', format: csv(), contract: contract(1, total) })
const posted = dataset('posted', { location: 'out/posted', format: jsonl(), contract: contract(1, entry) })

const pause = () => new Promise((resolve) => setTimeout(resolve, 2))

/** Slow enough that there is always something under way. */
async function enter({ id, account, amount }) {
  await pause()
  if (account === 'a13') return reject('closed_account')
  return { id, account, cents: Number(amount.times(100).toString()) }
}

export default job('ledger', {}, (steps) => {
  const entered = steps
    .records('enter')
    .read(lines)
    .process(enter)
    .rejects({ closed_account: '20%' })
    .skip('20%')
    .commit({ chunk: 10, everyChunks: 3 })
    .write(entries)
  steps
    .records('post')
    .read(entered)
    .process(async (row) => {
      await pause()
      return row
    })
    .commit({ chunk: 20, everyChunks: 2 })
    .isolation('process')
    .write(posted)
  steps
    .reduce('sum')
    .read(entered)
    .by((row) => row.account)
    .fold({
      initial: () => ({ entries: 0, cents: 0 }),
      add: (sum, row) => ({ entries: sum.entries + 1, cents: sum.cents + row.cents }),
      finish: (sum, account) => ({ account, ...sum }),
    })
    .write(totals)
})
`

/** The project's files. Leases are short, so that deaths are noticed within a test. */
export function ledgerFiles(): Readonly<Record<string, string>> {
  const days = Array.from({ length: DAYS }, (_, at) => [`in/day-${String(at + 1)}.csv`, linesOf(at + 1)] as const)
  return {
    'jobs/ledger.ts': JOB,
    'batchwright.config.json': JSON.stringify({ worker: { lease: '2s', grace: '4s' } }),
    ...Object.fromEntries(days),
  }
}

/** Some lines are not what the contract says, some are of an account that is closed. */
function linesOf(day: number): string {
  const lines = Array.from({ length: LINES }, (_, at) => {
    const amount = at % 101 === 50 ? 'much' : `${String((at * 7 + day) % 1_000)}.${String(10 + (at % 90))}`
    return `${String(day)}-${String(at)},a${String(at % 29)},${amount}`
  })
  return ['id,account,amount', ...lines, ''].join('\n')
}
