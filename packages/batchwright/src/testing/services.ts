import { didYouMean, noRules } from '../job/index.ts'
import type { JobDefinition, ServiceDefinition } from '../job/index.ts'
import { BatchwrightError } from '../kernel/errors.ts'

/**
 * The job with clients of the test in place of services, by the service's name: they are handed out as they are, never
 * opened and never closed. Throws SERVICE_UNKNOWN for a name that no step uses.
 */
export function withFakes(job: JobDefinition, fakes: Readonly<Record<string, unknown>>): JobDefinition {
  const known = new Map(job.steps.flatMap((step) => [...step.services.values()].map((each) => [each.name, each])))
  const replaced = new Map<ServiceDefinition, ServiceDefinition>()
  for (const [name, client] of Object.entries(fakes)) {
    const service = known.get(name)
    if (service === undefined) throw unknownService(job, name, [...known.keys()])
    replaced.set(service, {
      ...service,
      secrets: [],
      open: () => client,
      close: null,
      rules: noRules(name),
      probe: null,
    })
  }
  const steps = job.steps.map((step) => ({
    ...step,
    services: new Map([...step.services].map(([name, service]) => [name, replaced.get(service) ?? service])),
  }))
  return { ...job, steps }
}

function unknownService(job: JobDefinition, name: string, known: readonly string[]): BatchwrightError {
  return new BatchwrightError({
    code: 'SERVICE_UNKNOWN',
    message: `services: no step of job ${JSON.stringify(job.name)} uses a service ${JSON.stringify(name)}; there are ${known.join(', ') || 'none'}`,
    hint: `${didYouMean(name, known)}Name it as service('name', ...) does.`,
    details: { service: name, known },
  })
}
