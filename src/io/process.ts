import { readFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { z } from 'zod'

export const owner = z.object({
  pid: z.int().positive(),
  host: z.string(),
  /** When it took the folder, ISO 8601. */
  since: z.string(),
  /** When the process started, as the system tells it: a number that another process of this id does not have. */
  start: z.string().optional(),
})

/** The process that writes a folder. */
export type Owner = Readonly<z.output<typeof owner>>

export const thisProcess = (): Owner => ({
  pid: process.pid,
  host: hostname(),
  since: new Date().toISOString(),
  ...startOf(process.pid),
})

/** Whether a process is there still. Of another machine's, nobody here can tell: it is. */
export function isRunning({ pid, host, start }: Omit<Owner, 'since'>): boolean {
  if (host !== hostname()) return true
  try {
    process.kill(pid, 0)
  } catch (error) {
    // Else it is somebody else's, and runs.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false
  }
  const now = startOf(pid).start
  return start === undefined || now === undefined || now === start
}

/** When a process started, in ticks since the machine did: the 22nd field of its `stat`, where the system has that. */
function startOf(pid: number): Pick<Owner, 'start'> {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The second field, a name in parentheses, may hold anything.
    const start = fields.slice(fields.lastIndexOf(')') + 2).split(' ')[19]
    return start === undefined ? {} : { start }
  } catch {
    return {}
  }
}
