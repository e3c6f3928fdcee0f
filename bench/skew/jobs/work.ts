import { contract, csv, dataset, field, job, jsonl, record } from 'batchwright'

const lines = dataset('lines', {
  files: 'input/*.csv',
  format: csv(),
  contract: contract(1, record({ id: field.integer(), text: field.text() })),
})
const digests = dataset('digests', {
  location: 'out/digests',
  format: jsonl(),
  contract: contract(1, record({ id: field.integer(), digest: field.integer() })),
})

/** So much work for a record that the time of a run is the time of its records: a fifth of a millisecond. */
const TURNS = 40_000

function work(line: { readonly id: number; readonly text: string }): { id: number; digest: number } {
  let digest = line.id
  for (let turn = 0; turn < TURNS; turn += 1) digest = (Math.imul(digest, 31) + turn) | 0
  return { id: line.id, digest }
}

/** Every file is a partition, however large it is. */
export function workJob(name: string, rebalance: 'auto' | 'never') {
  return job(name, {}, (steps) => {
    steps.records('work').read(lines).process(work).partition('file').rebalance(rebalance).write(digests)
  })
}
