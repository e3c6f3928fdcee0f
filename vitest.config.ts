import { defineConfig } from 'vitest/config'

export default defineConfig({
  resolve: { conditions: ['batchwright-source'] },
  ssr: { resolve: { conditions: ['batchwright-source', 'node'] } },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'test/**/*.test.ts', 'examples/**/*.test.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    maxWorkers: 2,
    globalSetup: ['./test/temporary-folder.ts', './test/postgres/on-demand.ts'],
    reporters: ['default', './test/closing-line.ts'],
  },
})
