/**
 * Benchmarks, each against its peer in the same run.
 *
 *   npm run bench -- records [--rows N] [--repeats N] [--sizes N,N,...] [--folder DIR] [--json]
 *   npm run bench -- package [--json]
 *   npm run bench -- skew [--records N] [--repeats N] [--folder DIR] [--json]
 */
import { packageBenchmark } from './package/benchmark.ts'
import { recordsBenchmark } from './records/benchmark.ts'
import { skewBenchmark } from './skew/benchmark.ts'

const [name, ...rest] = process.argv.slice(2)
if (name === 'records') await recordsBenchmark(rest)
else if (name === 'package') await packageBenchmark(rest)
else if (name === 'skew') await skewBenchmark(rest)
else {
  console.error(`expected a benchmark: records, package, skew; found ${name ?? 'none'}`)
  process.exitCode = 2
}
