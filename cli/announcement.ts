import type { Service } from '../collector/service.ts';

/** What is printed once the service runs: where to look, and the token if there is one to show. */
export function announcement({ url, madeToken }: Pick<Service, 'url' | 'madeToken'>, dataFolder: string): string[] {
  return [
    '',
    `点名 Rollcall  ${url}`,
    `API            ${url}/docs`,
    `data           ${dataFolder}`,
    ...(madeToken === undefined
      ? ['token          as given to you before; lost: npm run rollcall -- token create --name NAME --role operator']
      : [
          `token          ${madeToken}   (operator, shown only now)`,
          `log in         ${url}/#token=${madeToken}`,
          `counts         curl -H "Authorization: Bearer ${madeToken}" ${url}/api/v1/counts`,
        ]),
    'stop           Ctrl-C',
  ];
}
