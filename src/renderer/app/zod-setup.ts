import { z } from 'zod'

// Before the first schema: zod otherwise probes `new Function`, which the window's policy forbids and reports.
z.config({ jitless: true })
