import { type IServiceVector, ServerTCP } from 'modbus-serial';
import { faultAt, type SimulatedDevice, type Simulator, seeded } from './plan.ts';

export interface ModbusLineOptions {
  readonly host: string;
  readonly port: number;
  readonly devices: readonly SimulatedDevice[];
  readonly seed: number;
}

/** Registers of every unit: load f32 at 0, temperature f32 at 2, running seconds u32 at 4, status u16 at 6. Big-endian. */
const REGISTERS = 7;
/** MODBUS Application Protocol V1.1b3, 7. */
const EXCEPTION = { illegalAddress: 2, deviceFailure: 4, gatewayTargetSilent: 11 } as const;
/** Object ids of FC 43/14; 0x80 is the first private one. */
const OBJECT = {
  vendor: 0x00,
  productCode: 0x01,
  revision: 0x02,
  url: 0x03,
  product: 0x04,
  model: 0x05,
  application: 0x06,
  serial: 0x80,
};

/** Answers for many unit ids at one TCP port, like a gateway with a line behind it. Says in FC 43/14 that it is simulated. */
export async function startModbusLine({ host, port, devices, seed }: ModbusLineOptions): Promise<Simulator> {
  const startedAtMs = performance.now();
  const units = new Map(
    devices.map((device) => [
      device.unitId ?? 0,
      new SimulatedUnit(device, seeded(seed * 7_919 + (device.unitId ?? 0)), startedAtMs),
    ]),
  );
  // The library takes an array at once; what is in it may be promises. Its types speak of numbers only.
  const read = (address: number, length: number, unitId: number): number[] =>
    unitOf(units, unitId).registers(address, length) as number[];
  const vector: IServiceVector & { readDeviceIdentification: (unitId: number) => Promise<Record<number, string>> } = {
    getMultipleHoldingRegisters: read,
    getMultipleInputRegisters: read,
    getHoldingRegister: (address: number, unitId: number) => read(address, 1, unitId)[0] ?? 0,
    getInputRegister: (address: number, unitId: number) => read(address, 1, unitId)[0] ?? 0,
    readDeviceIdentification: (unitId) => unitOf(units, unitId).identification(),
  };
  const server = new ServerTCP(vector, { host, port, unitID: 255 });
  server.on('socketError', () => {});
  await new Promise<void>((resolve, reject) => {
    server.once('initialized', () => resolve());
    server.once('serverError', (error) => reject(error instanceof Error ? error : new Error(String(error))));
  });
  return {
    endpoint: `${host}:${port}`,
    stop: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** A gateway answers for a unit it does not have as the specification says. */
function unitOf(units: ReadonlyMap<number, SimulatedUnit>, unitId: number): SimulatedUnit {
  const unit = units.get(unitId);
  if (unit === undefined) throw exception(EXCEPTION.gatewayTargetSilent);
  return unit;
}

function exception(code: number): Error {
  return Object.assign(new Error(`exception ${code}`), { modbusErrorCode: code });
}

/** What never answers; the caller's time-out is his own. */
function silence(): Promise<never> {
  return new Promise(() => {});
}

class SimulatedUnit {
  readonly #device: SimulatedDevice;
  readonly #random: () => number;
  readonly #startedAtMs: number;
  readonly #bytes = new DataView(new ArrayBuffer(REGISTERS * 2));
  #changedAtMs = Number.NEGATIVE_INFINITY;
  #load = 60;
  #temperature = 55;

  constructor(device: SimulatedDevice, random: () => number, startedAtMs: number) {
    this.#device = device;
    this.#random = random;
    this.#startedAtMs = startedAtMs;
  }

  /** Throws the exception the unit answers with. */
  registers(address: number, length: number): (number | Promise<number>)[] {
    const fault = faultAt(this.#device, (performance.now() - this.#startedAtMs) / 1000);
    if (fault === 'silent' || fault === 'dead') return Array.from({ length }, silence);
    if (fault === 'bad-values') throw exception(EXCEPTION.deviceFailure);
    if (address + length > REGISTERS) throw exception(EXCEPTION.illegalAddress);
    this.#change();
    return Array.from({ length }, (_, i) => this.#bytes.getUint16((address + i) * 2));
  }

  identification(): Promise<Record<number, string>> {
    const { manufacturer, model, serialNumber, id } = this.#device;
    const fault = faultAt(this.#device, (performance.now() - this.#startedAtMs) / 1000);
    if (fault === 'silent' || fault === 'dead') return silence();
    return Promise.resolve({
      [OBJECT.vendor]: manufacturer,
      [OBJECT.productCode]: model,
      [OBJECT.revision]: 'V1.0',
      [OBJECT.url]: 'https://example.invalid',
      [OBJECT.product]: `${model} SIMULATED`,
      [OBJECT.model]: model,
      [OBJECT.application]: id,
      [OBJECT.serial]: serialNumber,
    });
  }

  #change(): void {
    const nowMs = performance.now();
    if (nowMs - this.#changedAtMs < this.#device.intervalMs) return;
    this.#changedAtMs = nowMs;
    this.#load = Math.min(100, Math.max(0, this.#load + (this.#random() - 0.5) * 6));
    this.#temperature += (this.#random() - 0.5) * 0.8;
    this.#bytes.setFloat32(0, this.#load);
    this.#bytes.setFloat32(4, this.#temperature);
    this.#bytes.setUint32(8, Math.floor((nowMs - this.#startedAtMs) / 1000));
    this.#bytes.setUint16(12, this.#load > 1 ? 1 : 0);
  }
}
