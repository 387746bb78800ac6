import { z } from 'zod'

/** The country a keyboard, or a scanner that acts as one, is set to. `se` is Finland too, `de` Austria, `hr` Slovenia. */
export const keyboardLayoutSchema = z.enum([
  ...(['us', 'us_intl', 'uk', 'de', 'ch_de', 'ch_fr', 'fr', 'be', 'ca_fr', 'it', 'es', 'latam', 'pt'] as const),
  ...(['br', 'nl', 'dk', 'no', 'se', 'pl', 'cz', 'sk', 'hu', 'hr', 'tr', 'jp'] as const),
])
export type KeyboardLayout = z.infer<typeof keyboardLayoutSchema>
