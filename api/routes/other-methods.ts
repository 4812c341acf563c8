import { ApiError } from '../errors.ts';
import type { App } from './route.ts';

/**
 * Watches the routes that follow; the function it returns then answers every other method on their paths with 405 and
 * the methods that are allowed, before a body is read.
 */
export function refuseOtherMethods(app: App): () => void {
  const methodsOf = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const methods = methodsOf.get(url) ?? new Set();
    methodsOf.set(url, methods);
    for (const one of [method].flat()) methods.add(one);
  });
  return () => {
    const countRequest = app.rateLimit();
    for (const [url, methods] of methodsOf) {
      const allow = [...methods].sort().join(', ');
      const refuse = async () => {
        throw new ApiError('method-not-allowed', `this path takes ${allow}`, { headers: { allow } });
      };
      app.route({
        method: app.supportedMethods.filter((method) => !methods.has(method)),
        url,
        schema: { hide: true },
        config: { grant: 'anyone', rateLimit: false },
        onRequest: [countRequest, refuse],
        handler: refuse,
      });
    }
  };
}
