export { writeControlSheet } from './control-sheet.ts'
