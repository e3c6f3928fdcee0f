/** Who gives commands here, for the audit trail. */
import { hostname, userInfo } from 'node:os'

/** `cli anna@build-1`; `cli @build-1` where the system does not know its user, as in some containers. */
export function requester(): string {
  try {
    return `cli ${userInfo().username}@${hostname()}`
  } catch {
    return `cli @${hostname()}`
  }
}
