/** The sparse lines that take the live block's place in a file or a pipe. */
import type { StepView } from '../view.ts'
import { dead } from '../view.ts'
import type { LiveView, Speed } from './live.ts'
import { count, duration, plural, rate } from './text.ts'

/** A line for each step that has changed its state, and one for each that runs when `progress` is asked for. */
export function plainLines(
  before: readonly StepView[],
  view: Pick<LiveView, 'title' | 'steps'>,
  progress: boolean,
): readonly string[] {
  const lines: string[] = []
  for (const step of view.steps) {
    const earlier = before.find((each) => each.name === step.name)
    const changed = earlier === undefined ? step.state !== 'waiting' : earlier.state !== step.state
    if (changed) lines.push(`${view.title}  ${step.name}: ${step.state}${counted(step)}`)
    else if (progress && step.state === 'running')
      lines.push(`${view.title}  ${step.name}: running${counted(step)}${soFar(step.speed)}`)
  }
  return lines
}

function counted(step: StepView): string {
  const { counters } = step
  if (counters.read === 0) return step.tasks > 0 ? `, ${plural(step.tasks, 'partition')}` : ''
  const deadLetters = dead(counters)
  return [
    `, ${count(counters.read)} read`,
    `, ${count(counters.written)} written`,
    deadLetters > 0 ? `, ${plural(deadLetters, 'dead letter')}` : '',
    step.retries > 0 ? `, ${plural(step.retries, 'retry', 'retries')}` : '',
  ].join('')
}

function soFar(speed: Speed): string {
  return [
    speed.fraction === null ? '' : `, ${Math.floor(speed.fraction * 100)} %`,
    speed.perSecond === null ? '' : `, ${rate(speed.perSecond)}`,
    speed.leftMs === null ? '' : `, ${duration(speed.leftMs)} left`,
  ].join('')
}
