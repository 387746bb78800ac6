/** The names of the topics, in a file without zod: what opens the window knows them before it has loaded any schema. */
export const topicNames = [
  'scan.taken',
  'scan.refused',
  'scan.torn',
  'control.taken',
  'capture.changed',
  'camera.shoot',
  'session.changed',
  'device.changed',
  'device.scan',
  'gate.verdict',
  'gate.failed',
  'gate.changed',
  'review.changed',
  'item.changed',
  'product.changed',
  'drill.changed',
  'enrolment.changed',
  'status.changed',
  'settings.changed',
] as const

export type TopicName = (typeof topicNames)[number]
