import { runProgram } from './program.ts'

void runProgram(process.argv.slice(2)).then((status) => process.exit(status))
