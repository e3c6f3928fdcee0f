import { workJob } from './work.ts'

export default workJob('skew-never', 'never')
