/**
 * The test kit: `import { runInMemory, ... } from 'batchwright/testing'`.
 *
 * @module testing
 */
export * from '../../../packages/batchwright/src/testing/index.ts'
