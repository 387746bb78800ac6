/** The formats that a photo may have on this station. */
export const imageTypes = ['image/jpeg', 'image/png', 'image/webp'] as const
export type ImageType = (typeof imageTypes)[number]

/** What files of a format begin with: bytes at an offset. */
const signatures: Readonly<
  Record<ImageType, readonly { readonly offset: number; readonly bytes: readonly number[] }[]>
> = {
  'image/jpeg': [{ offset: 0, bytes: [0xff, 0xd8, 0xff] }],
  'image/png': [{ offset: 0, bytes: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a] }],
  'image/webp': [
    { offset: 0, bytes: [0x52, 0x49, 0x46, 0x46] },
    { offset: 8, bytes: [0x57, 0x45, 0x42, 0x50] },
  ],
}

/** How many first bytes of a file `imageTypeOf` needs. */
export const signatureBytes = 12

/** What a file is by its first bytes, whatever its name says; undefined for what is no photo here. */
export function imageTypeOf(head: Uint8Array): ImageType | undefined {
  return imageTypes.find((type) =>
    signatures[type].every(({ offset, bytes }) => bytes.every((byte, index) => head[offset + index] === byte)),
  )
}
