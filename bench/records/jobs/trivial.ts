import { job } from 'batchwright'

export default job('trivial', {}, (steps) => {
  steps.function('nothing', () => null)
})
