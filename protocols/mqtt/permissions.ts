import { filterCovers, filterMatches } from './topic-filter.ts';

/** What one user, or every user (`*`), may do. `{user}` and `{client}` in a filter stand for who asks. */
export interface Permission {
  readonly user: string;
  readonly publish: readonly string[];
  readonly subscribe: readonly string[];
}

/** Who asks, by the names the broker has accepted. */
export interface Asker {
  readonly user: string;
  readonly clientId: string;
}

/** True when some permission of the asker lets it publish to the topic. */
export function mayPublish(permissions: readonly Permission[], asker: Asker, topic: string): boolean {
  return filtersOf(permissions, asker, 'publish').some((filter) => filterMatches(filter, topic));
}

/** True when one filter of the asker covers all that it wants to read. */
export function maySubscribe(permissions: readonly Permission[], asker: Asker, wanted: string): boolean {
  return filtersOf(permissions, asker, 'subscribe').some((filter) => filterCovers(filter, wanted));
}

function filtersOf(permissions: readonly Permission[], asker: Asker, kind: 'publish' | 'subscribe'): string[] {
  return permissions
    .filter(({ user }) => user === '*' || user === asker.user)
    .flatMap((permission) => permission[kind])
    .flatMap((filter) => filled(filter, asker));
}

/** The filter with the asker's names in it; none when a name would widen it. */
function filled(filter: string, { user, clientId }: Asker): string[] {
  if (filter.includes('{user}') && !isPlainLevel(user)) return [];
  if (filter.includes('{client}') && !isPlainLevel(clientId)) return [];
  return [filter.replaceAll('{user}', () => user).replaceAll('{client}', () => clientId)];
}

function isPlainLevel(name: string): boolean {
  return name !== '' && !/[/+#\0]/.test(name);
}
