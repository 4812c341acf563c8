const TIMEOUT_MS = 8000;

/** An answer that is not what was asked for. `code` ends the problem's type; `offline` when nothing answered. */
export class ApiFailure extends Error {
  constructor(code, retryAfterMs) {
    super(code);
    this.code = code;
    this.retryAfterMs = retryAfterMs;
  }
}

/** Gets JSON from the API, showing `token`. Rejects with `ApiFailure`. */
export async function get(path, token) {
  let answer;
  try {
    answer = await fetch(path, {
      headers: { authorization: `Bearer ${token}`, accept: 'application/json' },
      cache: 'no-store',
      credentials: 'omit',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    if (answer.ok) return await answer.json();
  } catch {
    throw new ApiFailure('offline', 0);
  }
  const problem = await answer.json().catch(() => ({}));
  const code = String(problem.type ?? '').replace('/problems/', '') || 'other';
  throw new ApiFailure(code, Number(answer.headers.get('retry-after') ?? 0) * 1000);
}
