import { csv, dataset, job, jsonl } from 'batchwright'
import { lineContract, price, pricedContract } from './rows.ts'

const lines = dataset('lines', { files: 'input.csv', format: csv(), contract: lineContract })
const priced = dataset('priced', { location: 'out/priced', format: jsonl(), contract: pricedContract })

export default job('records', {}, (steps) => {
  steps.records('price').read(lines).process(price).write(priced)
})
