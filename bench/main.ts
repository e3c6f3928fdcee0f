/**
 * Benchmarks, each against its peer in the same run.
 *
 *   npm run bench -- records [--rows N] [--repeats N] [--sizes N,N,...] [--folder DIR] [--json]
 *   npm run bench -- package [--json]
 *   npm run bench -- skew [--records N] [--repeats N] [--folder DIR] [--json]
 *   npm run bench -- recovery [--only NAME] [--limit SECONDS] [--json]
 *   npm run bench -- idle [--workers N,N,...] [--seconds N] [--json]
 *   npm run bench -- tables [--rows N] [--repeats N] [--json]
 *   npm run bench -- store [--tasks N] [--finished N] [--postgres] [--json]
 *   npm run bench -- tasks [--tasks N] [--starts N] [--burning N] [--repeats N] [--only NAME] [--json]
 *   npm run bench -- backlog [--stuck N] [--runs N] [--tasks N] [--repeats N] [--json]
 *   npm run bench -- fairness [--tasks N] [--runs N] [--json]
 */
import { backlogBenchmark } from './backlog/benchmark.ts'
import { fairnessBenchmark } from './fairness/benchmark.ts'
import { idleBenchmark } from './idle/benchmark.ts'
import { packageBenchmark } from './package/benchmark.ts'
import { recordsBenchmark } from './records/benchmark.ts'
import { recoveryBenchmark } from './recovery/benchmark.ts'
import { skewBenchmark } from './skew/benchmark.ts'
import { storeBenchmark } from './store/benchmark.ts'
import { tablesBenchmark } from './tables/benchmark.ts'
import { tasksBenchmark } from './tasks/benchmark.ts'

const [name, ...rest] = process.argv.slice(2)
if (name === 'records') await recordsBenchmark(rest)
else if (name === 'package') await packageBenchmark(rest)
else if (name === 'skew') await skewBenchmark(rest)
else if (name === 'recovery') await recoveryBenchmark(rest)
else if (name === 'idle') await idleBenchmark(rest)
else if (name === 'tables') await tablesBenchmark(rest)
else if (name === 'store') await storeBenchmark(rest)
else if (name === 'tasks') await tasksBenchmark(rest)
else if (name === 'backlog') await backlogBenchmark(rest)
else if (name === 'fairness') await fairnessBenchmark(rest)
else {
  console.error(
    `expected a benchmark: records, package, skew, recovery, idle, tables, store, tasks, backlog, fairness; found ${name ?? 'none'}`,
  )
  process.exitCode = 2
}
