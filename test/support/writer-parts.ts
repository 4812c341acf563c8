import { systemClock } from '../../collector/clock.ts';
import { LoopWatch } from '../../collector/health/loop-watch.ts';
import { SeriesCap } from '../../collector/metrics/series-cap.ts';

/** A cap that nothing reaches, and a loop that nobody watches, for tests of other things. */
export function unwatched() {
  return { cap: new SeriesCap(1_000_000, () => {}), loop: new LoopWatch(systemClock).loop('test', 1) };
}
