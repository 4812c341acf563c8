import type {
  CandidateReading,
  CandidatesQuery,
  CollectorReading,
  Counts,
  DeviceDetail,
  DeviceReading,
  DevicesQuery,
  History,
  HistoryQuery,
  ProtocolReading,
  Readiness,
  SourceReading,
  Tally3,
} from '../../collector/reading.ts';
import type { DeadLetter } from '../../protocols/contract.ts';

/** The instant at which the fake plant stands still: 2026-03-02 09:30 in Shanghai. */
export const FAKE_NOW_MS = Date.parse('2026-03-02T01:30:00Z');

/** A plant that is not there, for tests of whatever reads the collector. Change its fields to change what it says. */
export class FakeReading implements CollectorReading {
  devicesKnown: DeviceReading[] = Array.from({ length: 25 }, (_, index) => fakeDevice(index));
  sourcesKnown: SourceReading[] = fakeSources();
  protocolsKnown: ProtocolReading[] = fakeProtocols();
  candidatesKnown: CandidateReading[] = Array.from({ length: 3 }, (_, index) => fakeCandidate(index));
  deadLettersKnown: DeadLetter[] = [fakeDeadLetter()];
  readinessNow: Readiness = { ready: true, reasons: [], warnings: [] };
  demo = false;
  /** Thrown by every method while set. */
  failure: unknown;
  /** Awaited by every method, to make answers slow. */
  gate: Promise<void> = Promise.resolve();
  /** Instants that counts were asked for. */
  readonly asked: (number | undefined)[] = [];
  /** Formats that metrics were asked for in. */
  readonly formats: string[] = [];

  async counts(asOfMs?: number): Promise<Counts> {
    await this.#answer();
    this.asked.push(asOfMs);
    return fakeCounts(asOfMs ?? FAKE_NOW_MS, this.demo);
  }

  async devices(query: DevicesQuery) {
    await this.#answer();
    const matching = this.devicesKnown.filter(
      (device) =>
        (query.afterId === undefined || device.id > query.afterId) &&
        (query.category === undefined || device.category === query.category) &&
        (query.status === undefined || device.status === query.status) &&
        (query.text === undefined || device.name.includes(query.text)),
    );
    const items = matching.slice(0, query.limit);
    return { items, nextAfterId: matching.length > items.length ? items.at(-1)?.id : undefined };
  }

  async device(id: string): Promise<DeviceDetail | undefined> {
    await this.#answer();
    const device = this.devicesKnown.find((known) => known.id === id);
    return device === undefined ? undefined : fakeDetail(device);
  }

  async protocols() {
    await this.#answer();
    return this.protocolsKnown;
  }

  async sources() {
    await this.#answer();
    return this.sourcesKnown;
  }

  async candidates(sourceId: string, { limit, afterIndex = -1 }: CandidatesQuery) {
    await this.#answer();
    if (!this.sourcesKnown.some(({ id }) => id === sourceId)) return undefined;
    const items = this.candidatesKnown.slice(afterIndex + 1, afterIndex + 1 + limit);
    const last = afterIndex + items.length;
    return { items, nextAfterIndex: last + 1 < this.candidatesKnown.length ? last : undefined };
  }

  async deadLetters(sourceId: string) {
    await this.#answer();
    return this.sourcesKnown.some(({ id }) => id === sourceId) ? this.deadLettersKnown : undefined;
  }

  async readiness() {
    await this.#answer();
    return this.readinessNow;
  }

  async history({ step, fromMs, toMs }: HistoryQuery): Promise<History> {
    await this.#answer();
    const stepMs = step === 'hour' ? 3_600_000 : 86_400_000;
    const figures = { registered: 12_046, verified: 10_984, online: { min: 11_000, mean: 11_300.5, max: 11_312 } };
    const items = [];
    for (let startMs = fromMs; startMs < toMs; startMs += stepMs) {
      items.push({ startMs, endMs: startMs + stepMs, observedShare: 0.75, counts: { total: figures } });
    }
    return { from: 'store', step, timeZone: 'Asia/Shanghai', items };
  }

  async metrics(format: 'prometheus' | 'openmetrics' = 'prometheus') {
    await this.#answer();
    this.formats.push(format);
    return {
      contentType: 'text/plain; version=0.0.4; charset=utf-8',
      body: '# HELP rollcall_up Is it up\n# TYPE rollcall_up gauge\nrollcall_up 1\n',
    };
  }

  async #answer(): Promise<void> {
    await this.gate;
    if (this.failure !== undefined) throw this.failure;
  }
}

function tally(registered: number, online: number, verified: number): Tally3 {
  return { registered, online, verified };
}

function fakeCounts(asOfMs: number, demo: boolean): Counts {
  return {
    asOf: new Date(asOfMs).toISOString(),
    timeZone: 'Asia/Shanghai',
    demo,
    rules: { version: 'v1', sha256: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08' },
    devices: {
      total: tally(12_046, 11_312, 10_984),
      byCategory: {
        running: tally(5_121, 4_880, 4_701),
        processing: tally(4_310, 4_072, 3_990),
        moving: tally(962, 811, 780),
        other: tally(1_653, 1_549, 1_513),
      },
      byTier: { configured: 310, reachable: 203, live: 7_022, identified: 4_511, challenged: 0 },
    },
    protocols: { compatible: 5, verified: 4 },
    ledger: { origin: 'demo.rollcall/plant', size: 0, rootHash: '47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=' },
  };
}

const CATEGORIES = ['running', 'processing', 'moving', 'other'] as const;
const STATUSES = ['online', 'online', 'offline', 'unknown', 'never'] as const;

function fakeDevice(index: number): DeviceReading {
  const status = STATUSES[index % STATUSES.length] ?? 'online';
  const heard = status === 'never' ? undefined : FAKE_NOW_MS - index * 1000;
  return {
    id: `device-${String(index).padStart(3, '0')}`,
    name: `${index}号设备`,
    enterprise: { id: 'yu-gear', name: '渝齿精工' },
    site: index % 5 === 4 ? undefined : { id: 'hall-1', name: '一号厂房' },
    type: 'stamping-press',
    category: CATEGORIES[index % CATEGORIES.length] ?? 'other',
    categoryBasis: 'type-table',
    manufacturer: index % 2 === 0 ? '重庆机床' : undefined,
    model: undefined,
    serialNumber: `SN-${index}`,
    unit: '台',
    status,
    tier: 'live',
    verified: status === 'online',
    reasons: status === 'online' ? [] : ['R7 too-few-days'],
    lastLiveAtMs: heard,
    lastSeenAtMs: heard,
    protocols: [{ family: 'modbus', variant: 'tcp', reach: 'direct' }],
  };
}

function fakeDetail(device: DeviceReading): DeviceDetail {
  return {
    ...device,
    addresses: [
      {
        source: 'line-a',
        address: '7',
        family: 'modbus',
        variant: 'tcp',
        reach: 'direct',
        status: device.status,
        lastLiveAtMs: device.lastLiveAtMs,
        lastSeenAtMs: device.lastSeenAtMs,
        today: { good: 120, uncertain: 0, bad: 3, weightless: 0, changes: 44 },
        claims: { manufacturer: '重庆机床', simulated: false },
        claimsBy: 'FC 43/14',
      },
    ],
    activeDays: 41,
    changes: [
      {
        atMs: FAKE_NOW_MS - 86_400_000,
        who: 'configuration',
        why: 'rollcall.yaml',
        subject: 'device',
        id: device.id,
        before: undefined,
        after: JSON.stringify({ id: device.id, name: device.name }),
      },
    ],
  };
}

function fakeProtocols(): ProtocolReading[] {
  const protocol = (
    family: string,
    names: readonly [zh: string, en: string],
    standards: string[],
    state: ProtocolReading['state'],
    devices: number,
  ): ProtocolReading => ({
    family,
    nameZh: names[0],
    nameEn: names[1],
    standards,
    adapter: state === 'not-in-use' ? 'relayed' : 'built-in',
    state,
    variants: devices > 0 ? [{ variant: 'tcp', devices }] : [],
    devices,
    online: Math.floor(devices * 0.95),
    verified: state === 'verified' ? Math.floor(devices * 0.9) : 0,
    firstExchangeAtMs: devices > 0 ? FAKE_NOW_MS - 50 * 86_400_000 : undefined,
    lastExchangeAtMs: devices > 0 ? FAKE_NOW_MS - 900 : undefined,
  });
  return [
    protocol('mqtt', ['MQTT', 'MQTT'], ['ISO/IEC 20922:2016 (3.1.1); OASIS MQTT 5.0'], 'verified', 6_210),
    protocol('opcua', ['OPC UA', 'OPC UA'], ['GB/T 33863', 'IEC 62541'], 'verified', 3_420),
    protocol('modbus', ['Modbus', 'Modbus'], ['GB/T 19582.1-2008', 'Modbus V1.1b3'], 'verified', 2_301),
    protocol('s7', ['西门子 S7', 'Siemens S7'], ['vendor-proprietary'], 'compatible', 115),
    protocol('profinet', ['PROFINET IO', 'PROFINET IO'], ['GB/T 25105-2014'], 'not-in-use', 0),
  ];
}

function fakeCandidate(index: number): CandidateReading {
  return {
    address: `north/press-${index}`,
    protocol: { family: 'mqtt', variant: '3.1.1', reach: 'direct' },
    firstSeenAtMs: FAKE_NOW_MS - 60_000,
    lastSeenAtMs: FAKE_NOW_MS - 1_000,
    lastLiveAtMs: undefined,
    today: { good: 0, uncertain: 0, bad: 4, weightless: 1 },
    claims: { serialNumber: `SN-${index}` },
    claimsBy: 'payload',
  };
}

function fakeDeadLetter(): DeadLetter {
  return {
    from: 'plants/north/press-7/telemetry',
    reason: 'the payload is not in the configured format',
    firstAtMs: FAKE_NOW_MS - 60_000,
    lastAtMs: FAKE_NOW_MS - 1_000,
    samples: 4,
    bytes: 3,
    beginning: Uint8Array.of(0x7b, 0x00, 0xff),
  };
}

function fakeSources(): SourceReading[] {
  const up: SourceReading = {
    id: 'broker',
    name: '车间消息总线',
    protocol: 'mqtt',
    endpoint: 'mqtts://10.0.4.2:8883',
    simulated: false,
    state: 'up',
    sinceMs: FAKE_NOW_MS - 3_600_000,
    addresses: 6_210,
    observations: 48_120_331,
    bad: 12,
    dropped: 0,
    reconnects: 1,
    lastObservationAtMs: FAKE_NOW_MS - 40,
    lastError: undefined,
    nextAttemptAtMs: undefined,
    line: undefined,
    notices: [],
  };
  return [
    up,
    {
      ...up,
      id: 'plc-hall-2',
      name: '二号厂房 OPC UA',
      protocol: 'opcua',
      endpoint: 'opc.tcp://10.0.4.17:4840',
      addresses: 3_420,
      notices: [
        {
          code: 'clock-skew',
          level: 'warning',
          message: 'the server clock is 74 s behind ours',
          hint: 'set the time of the server, or let it follow an NTP server',
        },
      ],
    },
    {
      ...up,
      id: 'line-a',
      name: '甲线 Modbus 网关',
      protocol: 'modbus',
      endpoint: 'tcp://10.0.7.31:502',
      state: 'down',
      addresses: 31,
      observations: 20_113,
      reconnects: 44,
      lastObservationAtMs: FAKE_NOW_MS - 1_830_000,
      lastError: {
        code: 'unreachable',
        message: 'connecting to 10.0.7.31:502: no route to host',
        hint: 'check the cable and power of the gateway, then its address in rollcall.yaml',
        atMs: FAKE_NOW_MS - 4_000,
      },
      nextAttemptAtMs: FAKE_NOW_MS + 26_000,
    },
  ];
}
