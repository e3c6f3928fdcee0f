import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { storeConformance } from '../conformance/index.ts'
import type { Store } from '../contract/index.ts'
import { openSqliteStore } from './open.ts'

storeConformance('the SQLite store', {
  async open(clock) {
    const folder = mkdtempSync(join(tmpdir(), 'batchwright-store-'))
    const path = join(folder, 'store.db')
    const opened: Store[] = []
    const again = async (): Promise<Store> => {
      const store = await openSqliteStore({ path, clock })
      opened.push(store)
      return store
    }
    return {
      store: await again(),
      again,
      async dispose() {
        for (const store of opened) await store.close()
        rmSync(folder, { recursive: true, force: true })
      },
    }
  },
})
