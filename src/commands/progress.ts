import ora from 'ora'
import { locateModel, type DownloadEvent, type Purpose } from '../hub/model.js'
import { percent, thousands } from '../report/numbers.js'
import { printable, printableLine } from '../terminal.js'
import type { TrainEvent } from '../training/events.js'

/** Where no line can move, how often one is written on what takes long, in milliseconds. */
const silence = 30_000

/** Shows a training on standard error: a line that moves on a terminal, elsewhere plain lines, now and then. */
export function trainingProgress(stream: NodeJS.WriteStream = process.stderr) {
  const spinner = ora({ stream, isEnabled: canMove(stream), discardStdin: false })
  let said = Date.now()
  const say = (line: string) => {
    said = Date.now()
    if (!spinner.isSpinning) return void stream.write(`${printable(line)}\n`)
    spinner.info(printableLine(line))
    spinner.start()
  }
  const update = (line: string) => {
    spinner.text = printableLine(line)
    if (!canMove(stream) && Date.now() - said >= silence) say(line)
  }
  let began = Date.now()
  let steps = 0
  let downloading = ''
  let firstStep: { readonly step: number; readonly at: number } | undefined

  return {
    show(event: TrainEvent): void {
      switch (event.kind) {
        case 'device':
          say(`on ${event.device}: ${event.reason}`)
          break
        case 'stale-lock':
          say(`The run of process ${event.owner.pid}, since ${event.owner.since}, has ended without its lock.`)
          break
        case 'download':
          if (!canMove(stream)) {
            if (event.file !== downloading) stream.write(printable(`downloading ${event.model}: ${event.file}\n`))
          } else if (!spinner.isSpinning) spinner.start()
          downloading = event.file
          spinner.text = printableLine(downloadLine(event))
          break
        case 'teaching':
          if (canMove(stream) && !spinner.isSpinning) spinner.start()
          update(`asking ${event.teacher} · ${thousands(event.sentences)}/${thousands(event.of)} sentences`)
          break
        case 'round':
          say(
            `round ${event.round} of at most ${event.of}, on the ${percent(event.confident / event.words)} % of ` +
              `${thousands(event.words)} words that the model is sure of`,
          )
          break
        case 'start':
          steps = event.steps
          began = Date.now()
          firstStep = undefined
          say(
            `training ${thousands(event.parameters)} parameters for ${thousands(steps)} steps` +
              (event.resumedAt > 0 ? `, from step ${thousands(event.resumedAt)}` : ''),
          )
          if (canMove(stream)) spinner.start('starting')
          break
        case 'step': {
          // A resumed run starts in the middle: time is counted from the first step of this process.
          firstStep ??= { step: event.step - 1, at: began }
          const perStep = (Date.now() - firstStep.at) / (event.step - firstStep.step)
          const parts = [
            `step ${thousands(event.step)}/${thousands(steps)}`,
            `epoch ${event.epoch.toFixed(1)}`,
            `loss ${event.loss.toFixed(3)}`,
            `${thousands(event.tokensPerSecond)} tokens/s`,
            `${duration(perStep * (steps - event.step))} left`,
          ]
          update(parts.join(' · '))
          break
        }
        case 'evaluation':
          say(
            `step ${thousands(event.step)}/${thousands(steps)} · epoch ${event.epoch.toFixed(1)} · dev F1 ` +
              `${percent(event.scores.micro.f1)} · loss ${event.loss.toFixed(3)}${event.best ? ' · best so far' : ''}`,
          )
          break
        case 'checkpoint':
          break
      }
    },
    stop: () => void spinner.stop(),
  }
}

/** `org/name@main: model.safetensors ███████░░░░░░░░░░░░░  35 % of 90.9 MB` */
function downloadLine({ model, file, received, size }: DownloadEvent): string {
  const share = size === 0 ? 1 : Math.min(1, received / size)
  const bar = '█'.repeat(Math.round(20 * share)).padEnd(20, '░')
  return `${model}: ${file} ${bar} ${Math.floor(100 * share)} % of ${(size / 1e6).toFixed(1)} MB`
}

/** A terminal that says it is 0 columns wide, as in some containers, cannot have its lines taken back. */
const canMove = (stream: NodeJS.WriteStream) => stream.isTTY && stream.columns > 0

/** `2:05`, or `1:02:05` past an hour. */
export function duration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000))
  const parts = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60]
  const [first, ...rest] = parts[0] === 0 ? parts.slice(1) : parts
  return [first, ...rest.map((part) => String(part).padStart(2, '0'))].join(':')
}

/** Shows on a terminal that something is going on, for as long as it does; work that says how far it is can tell it. */
export async function during<T>(
  what: string,
  work: Promise<T> | ((say: (line: string) => void) => Promise<T>),
): Promise<T> {
  const moving = canMove(process.stderr)
  const spinner = ora({ text: printableLine(what), isEnabled: moving, isSilent: !moving, discardStdin: false }).start()
  try {
    return await (typeof work === 'function' ? work((line) => (spinner.text = printableLine(line))) : work)
  } finally {
    spinner.stop()
  }
}

/** Shows the steps that a work says it takes: on a terminal in one line that moves, elsewhere a line each. */
export async function steps<T>(
  work: AsyncGenerator<string, T>,
  stream: NodeJS.WriteStream = process.stderr,
): Promise<T> {
  const moving = canMove(stream)
  const spinner = ora({ stream, isEnabled: moving, isSilent: !moving, discardStdin: false })
  try {
    for (;;) {
      const { value, done } = await work.next()
      if (done === true) return value
      if (moving) spinner.start(printableLine(value))
      else stream.write(`${printable(value)}\n`)
    }
  } finally {
    spinner.stop()
  }
}

/** The folder of a model that a command takes, downloaded first where it is a name on the hub. */
export async function located(path: string, purpose: Purpose): Promise<string> {
  const progress = trainingProgress()
  const download = locateModel(path, purpose)
  try {
    for (;;) {
      const { value, done } = await download.next()
      if (done === true) return value
      progress.show(value)
    }
  } finally {
    progress.stop()
  }
}
