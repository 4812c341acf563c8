/**
 * The import rules of docs/architecture.md. `scripts/check.mjs` also fails when fewer modules than a floor are seen,
 * because a cruise that sees nothing passes.
 */
const only = (name, comment, from, allowed, npmAllowed = true) => ({
  name,
  comment,
  severity: 'error',
  from: { path: from },
  to: {
    path: npmAllowed ? '^(protocols|collector|ledger|api|web|simulators|cli|test|bench|scripts)/' : '.+',
    pathNot: allowed,
  },
});

export default {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'no-undeclared-packages',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-dev-packages-in-product',
      severity: 'error',
      from: { path: '^(protocols|collector|ledger|api|cli|simulators)/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    only('vocabulary-imports-nothing', 'the vocabulary imports nothing of ours', '^protocols/[^/]+\\.ts$', [
      '^protocols/[^/]+\\.ts$',
      // the registry is the one file that names the protocols
      '^protocols/(mqtt|opcua|modbus)/definition\\.ts$',
    ]),
    {
      name: 'only-the-registry-names-protocols',
      severity: 'error',
      from: { path: '^protocols/[^/]+\\.ts$', pathNot: '^protocols/registry\\.ts$' },
      to: { path: '^protocols/(mqtt|opcua|modbus)/' },
    },
    ...['mqtt', 'opcua', 'modbus'].map((protocol) =>
      only(`${protocol}-imports-vocabulary-only`, 'protocols never import each other', `^protocols/${protocol}/`, [
        `^protocols/${protocol}/`,
        '^protocols/(contract|identity|errors|bounded-queue|observation|value-digest|config-fields)\\.ts$',
      ]),
    ),
    only(
      'ledger-is-pure',
      'the ledger uses node:crypto and nothing else',
      '^ledger/',
      ['^ledger/', '^(node:)?crypto$'],
      false,
    ),
    only(
      'census-is-pure',
      'the counting rules are data in, findings out',
      '^collector/census/',
      ['^collector/census/'],
      false,
    ),
    only('collector-imports', 'the collector knows the vocabulary and the registry, never a protocol', '^collector/', [
      '^collector/',
      '^ledger/',
      '^protocols/[^/]+\\.ts$',
      // the composition root starts the API and the demo
      '^api/(app|limits|token)\\.ts$',
    ]),
    {
      name: 'only-the-root-composes',
      severity: 'error',
      from: { path: '^collector/', pathNot: '^collector/(service|main)\\.ts$' },
      to: { path: '^(api|simulators|cli)/' },
    },
    only('api-reads-through-the-service', 'the API never sees a protocol or the store itself', '^api/', [
      '^api/',
      '^collector/(reading|errors)\\.ts$',
      '^collector/store/contract\\.ts$',
      '^collector/census/device\\.ts$',
      '^ledger/',
    ]),
    only('simulators-import-nothing-of-ours', 'a shared codec would agree with itself on a mistake', '^simulators/', [
      '^simulators/',
    ]),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(node_modules|dist|data)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.js', '.mjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types'],
    },
  },
};
