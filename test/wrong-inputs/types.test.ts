/** Type errors, which editors and `check` show alike: at their line, with what our types say of it. */
import { symlinkSync } from 'node:fs'
import path from 'node:path'
import { book } from './book.ts'
import type { Shop } from './shop.ts'
import { DAY, job, orders } from './shop.ts'

const INSTALLED = path.join(import.meta.dirname, '../../node_modules')

/** Where TypeScript is installed. */
function check(shop: Shop): Promise<string> {
  for (const name of ['typescript', '@types']) {
    symlinkSync(path.join(INSTALLED, name), path.join(shop.folder, 'node_modules', name))
  }
  return shop.type(`check --window ${DAY}`)
}

book('types', [
  {
    what: 'A type error, process that returns text, and a column that is missing in what is written: each at its line',
    files: {
      'jobs/orders.ts': job({
        imports: "import { Decimal } from 'batchwright'",
        before: `const FREE: Decimal = '0.00'
const texts = dataset('texts', { window: daily(), location: 'out/texts', format: csv(), contract: contract(1, row) })
const check = (order: { id: string; qty: number }) => ({ id: order.id, qty: order.qty })`,
        steps: `steps.records('clean').read(raw).process(check).write(clean)
  steps
    .records('text')
    .read(raw)
    .process((order) => order.id)
    .write(texts)
  steps.records('free').read(raw).process((order) => (order.price.equals(FREE) ? order : drop()))`,
      }).replace('import { check as checks, ', 'import { drop, '),
      [`in/${DAY}.csv`]: orders(3),
    },
    told: check,
  },
])
