import type { z } from 'zod';
import type { DeviceDetail, DeviceReading } from '../../collector/reading.ts';
import type { RegisterChange } from '../../collector/store/contract.ts';
import { decodeCursor, encodeCursor } from '../cursor.ts';
import type { ApiDependencies } from '../dependencies.ts';
import { ApiError, invalidQuery } from '../errors.ts';
import { type device, deviceDetail, devicePage, deviceParams, devicesQuery } from '../schemas/devices.ts';
import { rfc3339 } from '../schemas/fields.ts';
import { answer, GUARDED, problemResponses } from '../schemas/problem.ts';
import { type App, SECURED } from './route.ts';

/** `GET /api/v1/devices` and `GET /api/v1/devices/{id}`. */
export function addDevices(app: App, { reading }: ApiDependencies): void {
  app.get(
    '/api/v1/devices',
    {
      schema: {
        operationId: 'listDevices',
        tags: ['evidence'],
        summary: 'The register with its evidence, page by page in order of id',
        ...SECURED,
        querystring: devicesQuery,
        response: {
          200: answer('A page of devices', devicePage),
          ...problemResponses(['invalid-request', ...GUARDED]),
        },
      },
    },
    async (request) => {
      const { limit, cursor, ...filters } = request.query;
      const afterId = cursor === undefined ? undefined : decodeCursor(cursor, filters);
      if (cursor !== undefined && afterId === undefined) {
        throw invalidQuery('cursor', 'is not one we gave for these filters; start again without it');
      }
      const page = await reading.devices({ ...filters, limit, afterId });
      return {
        items: page.items.map(deviceRow),
        nextCursor: page.nextAfterId === undefined ? null : encodeCursor(page.nextAfterId, filters),
      };
    },
  );

  app.get(
    '/api/v1/devices/:id',
    {
      schema: {
        operationId: 'getDevice',
        tags: ['evidence'],
        summary: 'One device with its addresses, claims and changes',
        ...SECURED,
        params: deviceParams,
        response: {
          200: answer('The device', deviceDetail),
          ...problemResponses(['invalid-request', 'not-found', ...GUARDED]),
        },
      },
    },
    async (request) => {
      const found = await reading.device(request.params.id);
      if (found === undefined) throw new ApiError('not-found', 'no device of the register has this id');
      return deviceWithEvidence(found);
    },
  );
}

function deviceRow(reading: DeviceReading): z.output<typeof device> {
  const { lastLiveAtMs, lastSeenAtMs, ...rest } = reading;
  return {
    ...rest,
    enterprise: reading.enterprise ?? null,
    site: reading.site ?? null,
    type: reading.type ?? null,
    manufacturer: reading.manufacturer ?? null,
    model: reading.model ?? null,
    serialNumber: reading.serialNumber ?? null,
    reasons: [...reading.reasons],
    lastLiveAt: rfc3339(lastLiveAtMs),
    lastSeenAt: rfc3339(lastSeenAtMs),
    protocols: [...reading.protocols],
  };
}

function deviceWithEvidence(reading: DeviceDetail): z.output<typeof deviceDetail> {
  return {
    ...deviceRow(reading),
    addresses: reading.addresses.map(({ lastLiveAtMs, lastSeenAtMs, claims, claimsBy, ...rest }) => ({
      ...rest,
      lastLiveAt: rfc3339(lastLiveAtMs),
      lastSeenAt: rfc3339(lastSeenAtMs),
      claims: claims === undefined ? null : { ...claims },
      claimsBy: claimsBy ?? null,
    })),
    activeDays: reading.activeDays,
    changes: reading.changes.map(changeRow),
  };
}

function changeRow({ atMs, before, after, ...rest }: RegisterChange) {
  return { at: rfc3339(atMs), ...rest, before: recordOf(before), after: recordOf(after) };
}

/** The register keeps records as JSON text; null where there is none. */
function recordOf(json: string | undefined): unknown {
  return json === undefined ? null : JSON.parse(json);
}
