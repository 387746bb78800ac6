export { fingerprintOf, keyFor, newDataKey, readRecoveryKey, recoveryKeyOf, type DataKey } from '#sealing/data-key.ts'
