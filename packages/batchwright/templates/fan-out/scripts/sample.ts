/**
 * Makes the sample input: a list of images, and the images, the same every time. Some are listed twice, some are missing, some
 * are no images.
 *
 *   npm run sample              the three hundred that came with the project
 *   npm run sample -- 20000     twenty thousand, to have time to kill a run
 */
import { randomFrom, sizeAsked, writeFiles } from './making.ts'
import type { Files } from './making.ts'

const USUAL = 300
const [WIDTH, HEIGHT] = [48, 32]

export function sample(size = USUAL): Files {
  const draw = randomFrom(48)
  const files: Record<string, Iterable<string | Uint8Array>> = {}
  const list = ['file,title\n']
  for (let number = 1; number <= size; number += 1) {
    const file = `photo-${String(number).padStart(5, '0')}.pgm`
    const dirt = draw() * 1000
    const line = `${file},${dirt < 30 ? '' : `"Photo ${String(number)}, from above"`}\n`
    list.push(line)
    if (dirt > 980) list.push(line)
    if (dirt > 970 && dirt <= 980) continue // listed, and not there
    files[`in/photos/${file}`] = dirt > 960 && dirt <= 970 ? ['this is not an image\n'] : [pgm(number)]
  }
  files['in/images.csv'] = list
  return files
}

/** A soft ring of light, in another place for each number. */
function pgm(number: number): Uint8Array {
  const [x0, y0] = [(number * 7) % WIDTH, (number * 5) % HEIGHT]
  const pixels = new Uint8Array(WIDTH * HEIGHT)
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      const distance = Math.hypot(x - x0, y - y0)
      pixels[y * WIDTH + x] = Math.max(0, Math.round(255 - Math.abs(distance - 10) * 16))
    }
  }
  return Buffer.concat([Buffer.from(`P5\n${String(WIDTH)} ${String(HEIGHT)}\n255\n`), pixels])
}

if (import.meta.main) writeFiles(sample(sizeAsked(USUAL)))
