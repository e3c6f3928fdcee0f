import path from 'node:path'
import { sha256 } from '../kernel/digest.ts'

/**
 * The place of a project's file or folder in the scratch folder: the same relative path, so that messages name what the user
 * knows. What lies outside the project gets a folder of its own there.
 */
export function mirrored(relativeOrAbsolute: string, project: string): string {
  const relative = path.relative(project, path.resolve(project, relativeOrAbsolute))
  const inside =
    relative !== '' && relative !== '..' && !relative.startsWith(`..${path.sep}`) && !path.isAbsolute(relative)
  if (inside) return relative.split(path.sep).join('/')
  const absolute = path.resolve(project, relativeOrAbsolute)
  return `.outside/${sha256(path.dirname(absolute)).slice(0, 8)}/${path.basename(absolute)}`
}
