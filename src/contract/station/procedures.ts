import { z } from 'zod'
import type { ProcedureHandlers } from '#contract/dispatch.ts'
import type { ProcedureDefinition } from '#contract/transport.ts'
import {
  candidatesSchema,
  captureDetailSchema,
  capturePageSchema,
  captureSchema,
  listCapturesSchema,
  scanSchema,
} from '#contract/station/capture.ts'
import { scanAnswerSchema } from '#contract/station/control.ts'
import { deviceListSchema, signalSchema } from '#contract/station/device.ts'
import { gateStatusSchema, gateVerdictSchema } from '#contract/station/gate.ts'
import { drillStatusSchema } from '#contract/station/drill.ts'
import { folderStatusSchema } from '#contract/station/folder.ts'
import {
  enrolmentCodeTextSchema,
  enrolmentOutcomeSchema,
  enrolmentStatusSchema,
  inspectedCodeSchema,
} from '#contract/station/enrolment.ts'
import { itemProcedures } from '#contract/station/item.ts'
import { catalogueProcedures } from '#contract/station/catalogue.ts'
import { createProductSchema } from '#contract/station/product.ts'
import { reviewProcedures } from '#contract/station/review.ts'
import { scannerSettingsSchema, scannersSettingsSchema } from '#contract/station/scanner-settings.ts'
import { openSessionSchema, sessionSchema, sessionSummarySchema } from '#contract/station/session.ts'
import { settingRowSchema } from '#contract/station/setting-rows.ts'
import { settingsChangeSchema, settingsSchema } from '#contract/station/settings.ts'
import { shootReportSchema, shotSchema } from '#contract/station/shoot.ts'
import { grantSchema, memberSchema, pinSchema, purposeSchema, roleSchema, unlockedSchema } from './staff.ts'
import { operatorSettings } from './settings.ts'
import { upkeepProcedures } from '#contract/station/upkeep.ts'
import { reportDeviceSchema, stationStatusSchema } from '#contract/station/status.ts'
import { idSchema } from '#contract/station/values.ts'

const nothing = z.strictObject({})
const byId = z.strictObject({ id: idSchema })
const deviceId = z.string().min(1).max(200)

/** Everything a window may ask of the station, by name. */
export const procedures = {
  'station.status': { input: nothing, output: stationStatusSchema },
  /** Tries the backend at once instead of waiting for the next attempt. */
  'station.syncNow': { input: nothing, output: stationStatusSchema },
  'settings.get': { input: nothing, output: settingsSchema },
  /** What a person at the station sets for himself is anybody's; all else is for staff. */
  'settings.change': {
    input: settingsChangeSchema,
    output: settingsSchema,
    purpose: (change: z.output<typeof settingsChangeSchema>) =>
      Object.entries(change).every(([name, value]) => value === undefined || operatorSettings.has(name))
        ? null
        : 'settings',
  },
  /** Each setting, what it is and which layer that comes from. */
  'settings.explain': { input: nothing, output: z.array(settingRowSchema) },
  /** The station sets these no more, by their paths: its group, its site or what is built in says them again. */
  'settings.reset': {
    input: z.strictObject({ paths: z.array(z.string().max(100)).min(1).max(100) }),
    output: settingsSchema,
    purpose: 'settings',
  },
  /** The window tells of a device it drives; unknown ids are added. */
  'device.report': { input: reportDeviceSchema, output: nothing },
  /** Every device, whoever drives it, also those that are unplugged and have settings. */
  'device.list': { input: nothing, output: deviceListSchema },
  /** Replaces the settings of one device. */
  'device.configure': {
    input: z.strictObject({ id: deviceId, settings: scannerSettingsSchema }),
    output: scannersSettingsSchema,
    purpose: 'settings',
  },
  /** Forgets a device and its settings; one that is plugged in is read with the defaults from now on. */
  'device.forget': { input: z.strictObject({ id: deviceId }), output: nothing, purpose: 'settings' },
  /** Sounds a device's own beeper; `device_unavailable` where that is not possible. */
  'device.feedback': { input: z.strictObject({ id: deviceId, signal: signalSchema }), output: nothing },
  /** Begins or ends the test mode: what is read is shown and not captured. It ends by itself after some minutes. */
  'device.test': { input: z.strictObject({ on: z.boolean() }), output: stationStatusSchema },
  /** Begins or ends waiting for a scanner that reads the registering code, which holds once and for some minutes. */
  'device.pair': { input: z.strictObject({ on: z.boolean() }), output: stationStatusSchema },
  /** A window's own count of a device's reads and the station's answers do not add up: raises the alarm. */
  'device.disagree': {
    input: z.strictObject({ id: deviceId, events: z.number().int().min(0), answers: z.number().int().min(0) }),
    output: nothing,
  },
  /** A person has seen the alarm. */
  'device.acknowledge': { input: byId, output: stationStatusSchema },
  /** The watched folders of the settings, as they stand. */
  'folder.list': { input: nothing, output: z.array(folderStatusSchema) },
  /**
   * Has all cameras of the window take a photo at once; answered when each is saved, or is not. `device_unavailable`
   * when no window with open cameras listens; the window opens them then, so that the next shot is taken.
   */
  'camera.shoot': { input: nothing, output: z.array(shotSchema) },
  /** The window's answer to the topic `camera.shoot`. */
  'camera.shot': { input: shootReportSchema, output: nothing },
  /** Opens a session; `conflict` while another one is active. */
  'session.open': { input: openSessionSchema, output: sessionSchema },
  /** The active session, or null. */
  'session.current': { input: nothing, output: sessionSchema.nullable() },
  /** Finished and active sessions, newest first. */
  'session.list': {
    input: z.strictObject({ limit: z.number().int().min(1).max(200).default(50) }),
    output: z.array(sessionSchema),
  },
  /** Ends it; ending twice answers the same summary. */
  'session.end': { input: byId, output: sessionSummarySchema },
  'session.summary': { input: byId, output: sessionSummarySchema },
  /**
   * Answers only after the scan's row is durable, or what a control barcode asked for. `conflict` without an active
   * session: nothing is saved. A control barcode that was damaged on its way is refused with `invalid_input`. While the
   * test mode is on, what devices read is only checked.
   */
  'scan.submit': { input: scanSchema, output: scanAnswerSchema },
  'capture.list': { input: listCapturesSchema, output: capturePageSchema },
  /** With the bytes and times of its reading. */
  'capture.get': { input: byId, output: captureDetailSchema },
  /** 1 to 99,999 units. The change is sent to the backend as metadata. */
  'capture.setQuantity': {
    input: z.strictObject({ id: idSchema, quantity: z.number().int().min(1).max(99_999) }),
    output: captureSchema,
  },
  /** Takes a scan out of the count; the row stays. `conflict` once its session has ended. */
  'capture.undo': { input: byId, output: captureSchema },
  /** Undoes the session's newest counted capture; `not_found` when there is none. */
  'capture.undoLast': { input: z.strictObject({ sessionId: idSchema }), output: captureSchema },
  /** Sends a parked capture again, or asks the backend to look a FAILED or NOT_FOUND one up again. */
  'capture.retry': { input: byId, output: captureSchema },
  /** Gives a capture that the backend refused up, with a reason that is kept; it counts no more. `conflict` for any other. */
  'capture.discard': {
    input: z.strictObject({ id: idSchema, reason: z.string().trim().min(1).max(300) }),
    output: captureSchema,
  },
  /**
   * Puts a capture with another value in the place of one that the backend refused, and sends that; answers the new one.
   * `conflict` for one that was not refused, or is a photo.
   */
  'capture.correct': { input: z.strictObject({ id: idSchema, raw: scanSchema.shape.data }), output: captureSchema },
  /** Puts a capture that the backend refused into another session and sends it there. `conflict` for any other. */
  'capture.move': { input: z.strictObject({ id: idSchema, sessionId: idSchema }), output: captureSchema },
  /** What the backend has that may be an undecided capture; `conflict` when it is not undecided. */
  'capture.candidates': { input: byId, output: candidatesSchema },
  /** A person has looked: the backend has an undecided capture as `remoteId`, or (null) has it not; then it is sent again. */
  'capture.decide': {
    input: z.strictObject({ id: idSchema, remoteId: z.string().min(1).max(100).nullable() }),
    output: captureSchema,
  },
  /**
   * A new key, or a person's sign-in, for the backend; it is kept by the host and never answered to anybody. `unauthorised`
   * when the backend does not take the sign-in, `offline` when it cannot be asked.
   */
  'backend.signIn': {
    input: z.discriminatedUnion('kind', [
      z.strictObject({ kind: z.literal('key'), key: z.string().trim().min(1).max(4_096) }),
      z.strictObject({
        kind: z.literal('person'),
        email: z.string().trim().min(3).max(254),
        password: z.string().min(1).max(1_000),
      }),
    ]),
    output: nothing,
    purpose: 'credentials',
  },
  'enrolment.status': { input: nothing, output: enrolmentStatusSchema },
  /** Tells the site now how the station is, and asks what is set for it; what comes of it is told by `enrolment.changed`. */
  'enrolment.refresh': { input: nothing, output: nothing },
  /** What a code says, as far as the station can tell alone; nobody is asked. */
  'enrolment.inspect': { input: z.strictObject({ code: enrolmentCodeTextSchema }), output: inspectedCodeSchema },
  /**
   * Uses a code, or the one that was scanned (null), of the site whose fingerprint a person has confirmed. What is captured goes to
   * that site from then on.
   */
  'enrolment.enrol': {
    input: z.strictObject({ code: enrolmentCodeTextSchema.nullable(), fingerprint: z.string().max(100) }),
    output: enrolmentOutcomeSchema,
    purpose: 'credentials',
  },
  /** The station leaves its site. `conflict` while something waits to be sent there, `not_found` when it is of none. */
  'enrolment.leave': { input: nothing, output: enrolmentStatusSchema, purpose: 'credentials' },
  /** The window's network came back or changed: a wait for the backend is over. */
  'network.changed': { input: nothing, output: nothing },
  'gate.status': { input: nothing, output: gateStatusSchema },
  /**
   * Judges one read and answers once the verdict is durable, whatever it is. `conflict` where the gate is not on. A device's
   * reads come by `scan.submit` and are told by the topic `gate.verdict`.
   */
  'gate.scan': { input: scanSchema, output: gateVerdictSchema },
  /**
   * The window could not tell, keep or have judged what somebody showed: displays for visitors are told by the topic
   * `gate.failed`. `conflict` where the gate is not on.
   */
  'gate.failed': { input: nothing, output: nothing },
  /** The newest verdicts first. */
  'gate.list': {
    input: z.strictObject({
      limit: z.number().int().min(1).max(200).default(50),
      /** Only those of which the site would have said otherwise. */
      isDifferent: z.boolean().default(false),
    }),
    output: z.array(gateVerdictSchema),
  },
  /** Somebody of the staff lets in what was not: a verdict of its own. `conflict` for one that was admitted. */
  'gate.override': {
    input: z.strictObject({
      id: idSchema,
      reason: z.string().trim().min(1).max(300),
      by: z.string().max(100).default(''),
    }),
    output: gateVerdictSchema,
    purpose: 'gate_override',
  },
  /** Takes an admission back by a compensating entry; `conflict` for what is none, or is taken back. */
  'gate.undo': {
    input: z.strictObject({ id: idSchema, reason: z.string().trim().min(1).max(300) }),
    output: gateVerdictSchema,
    purpose: 'gate_override',
  },
  /** This station is no gate any more. */
  'gate.close': { input: nothing, output: settingsSchema, purpose: 'leave_gate' },
  /**
   * Keeps the key by which this station records directly at The Wallet Crew: an API key, or an OAuth client as JSON
   * (`tokenUrl`, `clientId`, `clientSecret`). The empty text forgets it. It is never told again.
   */
  'gate.key': { input: z.strictObject({ secret: z.string().max(20_000) }), output: nothing, purpose: 'credentials' },
  /** Brings the list of passes up to date now. */
  'gate.refresh': { input: nothing, output: gateStatusSchema },
  /** Removes the list of passes and its key from this station. */
  'gate.wipe': { input: nothing, output: gateStatusSchema, purpose: 'wipe' },
  /**
   * Rehearses faults on stores of its own, in a process of its own. `conflict` while a session is open or another drill
   * runs, and where the host cannot.
   */
  'drill.start': { input: nothing, output: drillStatusSchema, purpose: 'drill' },
  'drill.stop': { input: nothing, output: drillStatusSchema, purpose: 'drill' },
  'drill.status': { input: nothing, output: drillStatusSchema },
  /**
   * Lets somebody of the staff in by PIN or by the text of a badge. Whoever is refused is told why and when to try again;
   * each refusal makes the next wait longer.
   */
  'staff.unlock': {
    input: z.union([
      z.strictObject({ purpose: purposeSchema, pin: pinSchema }),
      z.strictObject({ purpose: purposeSchema, code: z.string().min(1).max(200) }),
    ]),
    output: unlockedSchema,
  },
  /**
   * The same for the next badge that any scanner of this station reads; `not_found` when none came within a minute, or when
   * somebody else asks.
   */
  'staff.badge': { input: z.strictObject({ purpose: purposeSchema }), output: unlockedSchema },
  /** Ends a grant; one that is over, or never was, is no fault. */
  'staff.end': { input: z.strictObject({ grant: grantSchema }), output: nothing },
  /** The first administrator, by whose PIN this station is protected from now on. `conflict` when it has staff. */
  'staff.begin': { input: z.strictObject({ name: memberSchema.shape.name, pin: pinSchema }), output: memberSchema },
  'staff.list': { input: nothing, output: z.array(memberSchema), purpose: 'staff' },
  /**
   * Adds a member (`id` null) or changes one; without a PIN the old one stays. `invalid_input` for a PIN that is too easy,
   * `conflict` for one that somebody has, and for taking the last administrator away.
   */
  'staff.save': {
    input: z.strictObject({
      id: idSchema.nullable(),
      name: memberSchema.shape.name,
      role: roleSchema,
      pin: pinSchema.nullable(),
    }),
    output: memberSchema,
    purpose: 'staff',
  },
  /** `conflict` for the last administrator. */
  'staff.remove': { input: byId, output: nothing, purpose: 'staff' },
  /** Ends the lock of the screen, or the program. `conflict` where the host has neither. */
  'kiosk.leave': { input: z.strictObject({ to: z.enum(['window', 'end']) }), output: nothing, purpose: 'quit' },
  'product.create': { input: createProductSchema, output: captureSchema },
  ...reviewProcedures,
  ...itemProcedures,
  ...catalogueProcedures,
  ...upkeepProcedures,
} as const satisfies Record<string, ProcedureDefinition>

export type ProcedureName = keyof typeof procedures
/** What a caller passes: fields with a default may be left out. */
export type ProcedureInput<N extends ProcedureName> = z.input<(typeof procedures)[N]['input']>
/** What a handler gets: parsed, defaults filled in. */
export type ProcedureParsed<N extends ProcedureName> = z.output<(typeof procedures)[N]['input']>
export type ProcedureOutput<N extends ProcedureName> = z.output<(typeof procedures)[N]['output']>
/** The handlers of some procedures, by their names: ``HandlersOf<`capture.${string}`>``. */
export type HandlersOf<Name extends string> = Pick<ProcedureHandlers<typeof procedures>, Extract<ProcedureName, Name>>
