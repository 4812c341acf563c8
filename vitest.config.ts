import { defineConfig } from 'vitest/config';

/** `npm test` runs `unit`, `contract`, `cases` and `e2e` (npm alone); `npm run test:interop` runs `interop` (software nobody here wrote). */
export default defineConfig({
  test: {
    testTimeout: 30_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    projects: [
      {
        extends: true,
        test: { name: 'npm', include: ['test/{unit,contract,cases,e2e}/**/*.test.ts'] },
      },
      {
        extends: true,
        test: { name: 'interop', include: ['test/interop/**/*.test.ts'], fileParallelism: false },
      },
    ],
  },
});
