/** Small grey images: read from PGM, shrunk, written as PNG. Nothing but Node is needed; photographs want a library (sharp). */
import { crc32, deflateSync } from 'node:zlib'

export interface Image {
  readonly width: number
  readonly height: number
  /** A byte for each pixel, row by row: 0 is black, 255 white. */
  readonly pixels: Uint8Array
}

/** Reads a binary PGM; null where the bytes are none. */
export function readPgm(bytes: Buffer): Image | null {
  const header = /^P5\s(\d+)\s(\d+)\s255\s/.exec(bytes.toString('latin1', 0, 32))
  if (header === null) return null
  const [width, height] = [Number(header[1]), Number(header[2])]
  const pixels = bytes.subarray(header[0].length)
  return pixels.length === width * height ? { width, height, pixels } : null
}

/** The image at most `size` pixels wide, each pixel the mean of those it stands for. */
export function shrink(image: Image, size: number): Image {
  const step = Math.max(1, Math.ceil(image.width / size))
  const [width, height] = [Math.floor(image.width / step), Math.floor(image.height / step)]
  const pixels = new Uint8Array(width * height)
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      let sum = 0
      for (let dy = 0; dy < step; dy += 1) {
        for (let dx = 0; dx < step; dx += 1) {
          sum += image.pixels[(y * step + dy) * image.width + x * step + dx] ?? 0
        }
      }
      pixels[y * width + x] = Math.round(sum / (step * step))
    }
  }
  return { width, height, pixels }
}

/** A PNG of 8-bit grey. */
export function writePng({ width, height, pixels }: Image): Buffer {
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 0, 0, 0, 0], 8)
  // Each row starts with a byte that says how it is filtered: not at all.
  const rows = Buffer.alloc((width + 1) * height)
  for (let y = 0; y < height; y += 1) rows.set(pixels.subarray(y * width, (y + 1) * width), y * (width + 1) + 1)
  const signature = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a])
  return Buffer.concat([signature, block('IHDR', header), block('IDAT', deflateSync(rows)), block('IEND', Buffer.of())])
}

function block(type: string, data: Buffer): Buffer {
  const named = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const framed = Buffer.alloc(named.length + 8)
  framed.writeUInt32BE(data.length, 0)
  framed.set(named, 4)
  framed.writeUInt32BE(crc32(named), named.length + 4)
  return framed
}
