import { z } from 'zod'

/** What a key does in the review. */
export const reviewActions = [
  'accept',
  'reject',
  'edit',
  'skip',
  'undo',
  'previous',
  'next',
  'other',
  'acceptClear',
  'apply',
  'zoom',
] as const
export type ReviewAction = (typeof reviewActions)[number]

/**
 * Keys that act at once: no code holds one of them, so that no scan can be taken for a decision, and they are the same on
 * every layout of letters.
 */
export const reviewKeys = [
  'ArrowRight',
  'ArrowLeft',
  'ArrowUp',
  'ArrowDown',
  'Backspace',
  'Delete',
  'Insert',
  'Home',
  'End',
  'PageUp',
  'PageDown',
  'F2',
  'F3',
  'F4',
  'F6',
  'F7',
  'F9',
  'F10',
] as const
export const reviewKeySchema = z.enum(reviewKeys)
export type ReviewKey = z.infer<typeof reviewKeySchema>

/** One key for each action. */
export const reviewKeysSchema = z
  .strictObject({
    accept: reviewKeySchema.default('ArrowRight'),
    reject: reviewKeySchema.default('ArrowLeft'),
    edit: reviewKeySchema.default('F2'),
    skip: reviewKeySchema.default('Delete'),
    undo: reviewKeySchema.default('Backspace'),
    previous: reviewKeySchema.default('ArrowUp'),
    next: reviewKeySchema.default('ArrowDown'),
    other: reviewKeySchema.default('Home'),
    acceptClear: reviewKeySchema.default('PageDown'),
    apply: reviewKeySchema.default('End'),
    zoom: reviewKeySchema.default('F3'),
  })
  .refine((keys) => new Set(Object.values(keys)).size === reviewActions.length, { error: 'each key does one thing' })
