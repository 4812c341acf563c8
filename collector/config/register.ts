import type { Catalogues } from '../catalogues.ts';
import type { RegisteredDevice } from '../census/device.ts';
import type { Register } from '../store/contract.ts';
import type { ConfigFile } from './schema.ts';

/** The register that a configuration states. */
export function registerOf(read: ConfigFile, catalogues: Catalogues): Register {
  return {
    enterprises: read.enterprises.map(({ id, name, creditCode }) => ({ id, name, creditCode })),
    sites: read.sites.map(({ id, enterprise, name, kind }) => ({ id, enterpriseId: enterprise, name, kind })),
    devices: read.devices.map((device) => registeredDevice(device, catalogues)),
    bindings: read.devices.flatMap(({ id, bindings }) =>
      bindings.map(({ source, address }) => ({ sourceId: source, address, deviceId: id })),
    ),
  };
}

function registeredDevice(device: ConfigFile['devices'][number], catalogues: Catalogues): RegisteredDevice {
  const { category, type } = device;
  return {
    id: device.id,
    name: device.name,
    enterpriseId: device.enterprise,
    siteId: device.site,
    typeCode: type,
    categoryChoice: category === undefined ? undefined : { category: category.choice, reason: category.reason },
    manufacturer: device.manufacturer,
    model: device.model,
    serialNumber: device.serialNumber,
    assetNumber: device.assetNumber,
    unit: device.unit ?? (type === undefined ? undefined : catalogues.equipmentTypes.get(type)?.unit) ?? '台',
    setId: device.set,
    life: device.life,
    retiredOn: device.retiredOn,
    marks: device.marks,
    expectedIntervalMs: device.expectedInterval,
    livenessTimeoutMs: device.livenessTimeout,
  };
}
