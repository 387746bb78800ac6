export { writeCalibrationSheet } from './calibration-sheet.ts'
export { writeControlSheet } from './control-sheet.ts'
