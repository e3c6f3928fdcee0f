/** Opens stores on the database of its first argument and closes them, with nothing else to keep the process alive. */
import { systemClock } from '../../kernel/clock.ts'
import { openPostgresStore } from './open.ts'

const [, , url = ''] = process.argv
const open = [
  await openPostgresStore({ url, clock: systemClock }),
  await openPostgresStore({ url, clock: systemClock }),
]
for (const store of open) {
  await store.waitForChange(0)
  await store.now()
}
for (const store of open) await store.close()
process.stdout.write('closed')
