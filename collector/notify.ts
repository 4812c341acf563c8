import { execFile } from 'node:child_process';

/** Tells systemd how we are; does nothing where we were not started by it. */
export interface Notifier {
  ready(): void;
  stopping(): void;
  /** Ends the regular sign of life. */
  close(): void;
}

/**
 * The protocol of `sd_notify(3)` through the command `systemd-notify`, because Node has no datagrams over Unix sockets.
 * With `WatchdogSec=` a sign of life is given twice in each period, but only while `isAlive` says so: a collector that
 * runs without storing anything is started again like one that does not run.
 */
export function systemdNotifier(
  env: Readonly<Record<string, string | undefined>>,
  isAlive: () => boolean,
  onFailure: (error: Error) => void,
): Notifier {
  if (env['NOTIFY_SOCKET'] === undefined) return { ready: () => {}, stopping: () => {}, close: () => {} };
  const tell = (state: string): void => {
    execFile('systemd-notify', [state], { timeout: 10_000 }, (error) => {
      if (error !== null) onFailure(error);
    });
  };
  const periodMs = Number(env['WATCHDOG_USEC'] ?? 0) / 1_000;
  const timer =
    periodMs > 0
      ? setInterval(() => {
          if (isAlive()) tell('WATCHDOG=1');
        }, periodMs / 2)
      : undefined;
  return {
    ready: () => tell('READY=1'),
    stopping: () => tell('STOPPING=1'),
    close: () => clearInterval(timer),
  };
}
