/** The list of workers: rows in, lines out. */
import type { WorkerView } from '../commands/workers.ts'
import type { Column, TableStyle } from './table.ts'
import { table } from './table.ts'
import { count, duration } from './text.ts'

const COLUMNS: readonly Column[] = [
  { title: 'worker' },
  { title: 'name', shrinkTo: 10 },
  { title: 'host', shrinkTo: 10, dropOrder: 2 },
  { title: 'pid', align: 'right', dropOrder: 3 },
  { title: 'state' },
  { title: 'busy', align: 'right' },
  { title: 'last seen', align: 'right', dropOrder: 1 },
  { title: 'works on', shrinkTo: 16, dropOrder: 4 },
]

export function workerLines(
  workers: readonly WorkerView[],
  style: TableStyle & { readonly now: number },
): readonly string[] {
  const rows = workers.map((worker) => {
    const state = worker.state === 'alive' && !worker.atWork ? 'expired' : worker.state
    return [
      worker.workerId,
      worker.name ?? '',
      worker.host,
      String(worker.pid),
      { text: state, tone: state === 'alive' ? ('good' as const) : ('dim' as const) },
      `${count(worker.held.length)}${worker.slots === undefined ? '' : ` of ${count(worker.slots)}`}`,
      `${duration(Math.max(0, style.now - worker.lastSeenAt))} ago`,
      worksOn(worker),
    ]
  })
  return table(COLUMNS, rows, style)
}

/** `billing 2011-01/rate 3`: what it holds by step, with the number of tasks. */
function worksOn({ held }: WorkerView): string {
  const steps = Map.groupBy(held, ({ job, window, step }) => `${[job, window?.key].filter(Boolean).join(' ')}/${step}`)
  return [...steps].map(([step, tasks]) => (tasks.length === 1 ? step : `${step} ${count(tasks.length)}`)).join(', ')
}
