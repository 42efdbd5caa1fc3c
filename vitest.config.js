import { defineConfig } from 'vitest/config'

const minutes = 60_000

export default defineConfig({
  test: {
    globalSetup: './test/build.ts',
    // On two cores one is kept free by default, and half the time lost.
    maxWorkers: '100%',
    projects: [
      {
        test: { name: 'fast', include: ['test/**/*.test.ts'], exclude: ['test/slow/**'], testTimeout: 2 * minutes },
      },
      {
        // Trainings and whole corpora: one at a time, so that each has the machine.
        test: {
          name: 'slow',
          include: ['test/slow/**/*.test.ts'],
          testTimeout: 30 * minutes,
          hookTimeout: 30 * minutes,
          fileParallelism: false,
        },
      },
    ],
  },
})
