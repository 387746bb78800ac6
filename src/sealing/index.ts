export { fingerprintOf, keyFor, newDataKey, readRecoveryKey, recoveryKeyOf, type DataKey } from '#sealing/data-key.ts'
export { isSealed, openSealed, readSealedFile, seal, sealBytes, SealError, sealing } from '#sealing/sealed-file.ts'
