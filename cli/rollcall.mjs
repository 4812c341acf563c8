#!/usr/bin/env -S node --max-semi-space-size=1 --optimize-for-size --v8-pool-size=1
// The entry, in plain JavaScript, so that the cache of compiled modules is on before the first TypeScript is loaded:
// from the second start on nothing is stripped of its types again, which saves about 30 MiB and half a second. The
// options of the first line keep the heap of a collector small; docs/performance.md says what that costs.
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';

enableCompileCache(fileURLToPath(new URL('../node_modules/.cache/rollcall', import.meta.url)));
await import('./program.ts');
