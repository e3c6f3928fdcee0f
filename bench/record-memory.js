/** Loaded before a measured program: at its end, writes its largest resident memory in bytes to file descriptor 3. Plain JavaScript: stripping types would be measured too. */
import { writeSync } from 'node:fs'
import { isMainThread } from 'node:worker_threads'

if (isMainThread) {
  process.once('exit', () => {
    writeSync(3, String(process.resourceUsage().maxRSS * 1024))
  })
}
