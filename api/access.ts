import { ROLES, type Role } from '../collector/store/contract.ts';

/** Who may use a route: anyone without a token, or the holders of some roles. */
export type Grant = 'anyone' | readonly Role[];

/** `viewer` sees counts, `assessor` everything that can be read, `operator` may also change. */
const COUNTS = ROLES;
const EVIDENCE: readonly Role[] = ['assessor', 'operator'];

/**
 * The one table of routes and roles. A route that is not named here keeps the server from starting, so nothing is
 * open by omission; whoever is not granted is refused. `HEAD` follows `GET`.
 *
 * Source endpoints (network addresses of equipment) are evidence: viewers never see them, so nothing needs masking.
 * `/metrics` asks for a token even on loopback, because behind a reverse proxy everybody comes from loopback;
 * Prometheus sends one with `authorization: { credentials_file: … }`, and a viewer's is enough.
 */
const GRANTS: Readonly<Record<string, Grant>> = {
  'GET /': 'anyone',
  'GET /page/:file': 'anyone',
  'GET /openapi.json': 'anyone',
  'GET /problems/:code': 'anyone',
  'GET /healthz': 'anyone',
  'GET /readyz': 'anyone',
  'GET /metrics': COUNTS,
  'GET /api/v1/session': COUNTS,
  'GET /api/v1/counts': COUNTS,
  'GET /api/v1/history': COUNTS,
  'GET /api/v1/devices': EVIDENCE,
  'GET /api/v1/devices/:id': EVIDENCE,
  'GET /api/v1/protocols': EVIDENCE,
  'GET /api/v1/sources': EVIDENCE,
  'GET /api/v1/sources/:id/candidates': EVIDENCE,
  'GET /api/v1/sources/:id/dead-letters': EVIDENCE,
};

/** The reader of the API's description, with files of its own. */
const DOCS = '/docs';

/** Who may use a route, given as Fastify writes it (`/api/v1/devices/:id`); undefined where nothing was decided. */
export function grantFor(method: string, url: string): Grant | undefined {
  const readMethod = method === 'HEAD' ? 'GET' : method;
  if (readMethod === 'GET' && (url === DOCS || url.startsWith(`${DOCS}/`))) return 'anyone';
  const key = `${readMethod} ${url}`;
  return Object.hasOwn(GRANTS, key) ? GRANTS[key] : undefined;
}

/** All decided routes, for tests and documentation. */
export function grantedRoutes(): readonly { readonly method: string; readonly url: string; readonly grant: Grant }[] {
  return Object.entries(GRANTS).map(([route, grant]) => {
    const [method = '', url = ''] = route.split(' ');
    return { method, url, grant };
  });
}
