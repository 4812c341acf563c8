import type { ApiDependencies } from '../dependencies.ts';
import { addCounts } from './counts.ts';
import { addDevices } from './devices.ts';
import { addHealth } from './health.ts';
import { addHistory } from './history.ts';
import { refuseOtherMethods } from './other-methods.ts';
import { addPage } from './page.ts';
import { addProblems } from './problems.ts';
import { addProtocols } from './protocols.ts';
import type { App } from './route.ts';
import { addSession } from './session.ts';
import { addSourceDetails } from './source-details.ts';
import { addSources } from './sources.ts';

/** Every route of the API, in the order in which its description lists them. */
export function addRoutes(app: App, dependencies: ApiDependencies): void {
  const refuse = refuseOtherMethods(app);
  addCounts(app, dependencies);
  addHistory(app, dependencies);
  addDevices(app, dependencies);
  addProtocols(app, dependencies);
  addSources(app, dependencies);
  addSourceDetails(app, dependencies);
  addSession(app);
  addHealth(app, dependencies);
  addProblems(app);
  addPage(app, dependencies);
  refuse();
}
