/**
 * Benchmarks, each against its peer in the same run.
 *
 *   npm run bench -- records [--rows N] [--repeats N] [--sizes N,N,...] [--folder DIR] [--json]
 *   npm run bench -- package [--json]
 */
import { packageBenchmark } from './package/benchmark.ts'
import { recordsBenchmark } from './records/benchmark.ts'

const [name, ...rest] = process.argv.slice(2)
if (name === 'records') await recordsBenchmark(rest)
else if (name === 'package') await packageBenchmark(rest)
else {
  console.error(`expected a benchmark: records, package; found ${name ?? 'none'}`)
  process.exitCode = 2
}
