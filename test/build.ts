import { execFileSync } from 'node:child_process'

/** Workers and child processes run what is built: tests never meet an older one. */
export default function (): void {
  execFileSync('npm', ['run', '--silent', 'build'], { stdio: 'inherit' })
}
