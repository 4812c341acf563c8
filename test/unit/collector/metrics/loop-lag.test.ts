import { expect, test } from 'vitest';
import { LoopLag } from '../../../../collector/metrics/loop-lag.ts';
import { until } from '../../../support/wait.ts';

test('how late the event loop was is told to every reader, not to the first alone', async () => {
  const lag = new LoopLag();
  try {
    await new Promise((resolve) => setTimeout(resolve, 50));
    const endMs = performance.now() + 200;
    while (performance.now() < endMs);
    await until('the lag to be seen', () => lag.highestMs() > 100);
    expect(lag.highestMs()).toBeGreaterThan(100);
  } finally {
    lag.stop();
  }
});
