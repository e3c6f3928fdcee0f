import path from 'node:path'
import { stat } from 'node:fs/promises'
import type { PartitionPlan, SnapshotFile } from '../../protocol/index.ts'
import type { PlannedInput } from '../contract.ts'
import { verifyPublished } from '../publication/verify-file.ts'
import { parquetPayload } from './payload.ts'
import type { FilesPlanRequest } from './plan-files.ts'
import type { PartInput } from './plan-published.ts'
import { sharesOf } from './share.ts'

/** Parquet parts are one partition each; their digests are checked against the manifest. */
export async function planParquetParts(inputs: readonly PartInput[], request: FilesPlanRequest): Promise<PlannedInput> {
  const files: SnapshotFile[] = []
  const partitions: PartitionPlan[] = []
  for (const { window, path: name, absolute, part, manifest } of inputs) {
    await verifyPublished(absolute, part, manifest)
    files.push({
      dataset: request.dataset.name,
      window,
      path: name,
      bytes: part.bytes,
      sha256: part.sha256,
      records: part.records,
      modifiedMs: Math.floor((await stat(absolute)).mtimeMs),
      publishedVersion: manifest.number,
    })
    if (part.records === 0) continue
    for (const share of sharesOf(request.policy)) {
      const { sha256, records, bytes } = part
      partitions.push({
        index: partitions.length,
        payload: parquetPayload({
          kind: 'parquet',
          path: name,
          windowKey: window?.key ?? null,
          sha256,
          records,
          bytes,
          share,
          since: 0,
          until: records,
        }),
        label: share === null ? path.basename(name) : `${path.basename(name)} key ${share.share + 1}/${share.of}`,
        records: share === null ? records : null,
        bytes,
      })
    }
  }
  const notes = inputs.length > 0 && request.policy.by !== 'file' ? ['Parquet parts are one partition each'] : []
  return { files, partitions, notes }
}
