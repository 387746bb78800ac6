export { writeCalibrationSheet } from './calibration-sheet.ts'
export { writeControlSheet } from './control-sheet.ts'
export { drillLines, drillVerdict, writeDrillSheet } from './drill-sheet.ts'
