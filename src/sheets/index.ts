export { writeCalibrationSheet } from './calibration-sheet.ts'
export { writeCertificate } from './certificate.ts'
export { writeControlSheet } from './control-sheet.ts'
export { drillLines, drillVerdict, writeDrillSheet } from './drill-sheet.ts'
