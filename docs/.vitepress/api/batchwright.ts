/**
 * What job files are written with: `import { job, dataset, ... } from 'batchwright'`.
 *
 * @module batchwright
 */
export * from '../../../packages/batchwright/src/index.ts'
