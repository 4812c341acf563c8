import { type Fault, type SimulatedDevice, type SimulatedProtocol, seeded } from './plan.ts';

/** One enterprise of the simulated fleet, with its sites. All names are invented. */
interface SimulatedEnterprise {
  readonly id: string;
  readonly name: string;
  readonly creditCode: string;
  readonly sites: readonly { readonly id: string; readonly name: string }[];
}

export const ENTERPRISES: readonly SimulatedEnterprise[] = [
  {
    id: 'shancheng',
    name: '示例·山城精密机械有限公司',
    creditCode: '91500000MA5DEM0A1A',
    sites: [
      { id: 'shancheng-1', name: '一号机加车间' },
      { id: 'shancheng-2', name: '公用动力站' },
    ],
  },
  {
    id: 'liangjiang',
    name: '示例·两江塑业股份有限公司',
    creditCode: '91500000MA5DEM0B2E',
    sites: [
      { id: 'liangjiang-1', name: '注塑车间' },
      { id: 'liangjiang-2', name: '立体仓储中心' },
    ],
  },
];

/** How many machines of which type stand where, and over which protocol they answer. */
const MACHINES: readonly {
  readonly site: string;
  readonly protocol: SimulatedProtocol;
  readonly type: string;
  readonly name: string;
  readonly manufacturer: string;
  readonly model: string;
  readonly number: number;
}[] = [
  {
    site: 'shancheng-1',
    protocol: 'opcua',
    type: 'cnc-machine',
    name: '立式加工中心',
    manufacturer: 'Beipeng',
    model: 'VMC-850',
    number: 4,
  },
  {
    site: 'shancheng-1',
    protocol: 'opcua',
    type: 'industrial-robot',
    name: '上下料机器人',
    manufacturer: 'Jialing',
    model: 'R6-20',
    number: 4,
  },
  {
    site: 'shancheng-1',
    protocol: 'mqtt',
    type: 'laser-machine',
    name: '激光打标机',
    manufacturer: 'Guangyao',
    model: 'LM-30',
    number: 2,
  },
  {
    site: 'shancheng-1',
    protocol: 'mqtt',
    type: 'agv',
    name: '物料搬运AGV',
    manufacturer: 'Xingzhe',
    model: 'AG-500',
    number: 5,
  },
  {
    site: 'shancheng-1',
    protocol: 'mqtt',
    type: 'environmental-monitor',
    name: '车间环境监测站',
    manufacturer: 'Qingkong',
    model: 'EM-2',
    number: 2,
  },
  {
    site: 'shancheng-2',
    protocol: 'modbus',
    type: 'air-compressor',
    name: '螺杆空压机',
    manufacturer: 'Yunfeng',
    model: 'SC-75',
    number: 4,
  },
  {
    site: 'shancheng-2',
    protocol: 'modbus',
    type: 'pump',
    name: '循环水泵',
    manufacturer: 'Jiangliu',
    model: 'ISG-80',
    number: 4,
  },
  {
    site: 'shancheng-2',
    protocol: 'modbus',
    type: 'energy-meter',
    name: '高压进线电能表',
    manufacturer: 'Mingdian',
    model: 'DTS-634',
    number: 3,
  },
  {
    site: 'liangjiang-1',
    protocol: 'opcua',
    type: 'injection-moulding',
    name: '伺服注塑机',
    manufacturer: 'Haiding',
    model: 'IM-260',
    number: 6,
  },
  {
    site: 'liangjiang-1',
    protocol: 'mqtt',
    type: 'chiller',
    name: '工业冷水机',
    manufacturer: 'Hanquan',
    model: 'CW-40',
    number: 2,
  },
  {
    site: 'liangjiang-1',
    protocol: 'modbus',
    type: 'safety-alarm',
    name: '可燃气体探测器',
    manufacturer: 'Anjing',
    model: 'GD-10',
    number: 3,
  },
  {
    site: 'liangjiang-2',
    protocol: 'mqtt',
    type: 'forklift',
    name: '电动叉车',
    manufacturer: 'Lituo',
    model: 'FE-25',
    number: 4,
  },
  {
    site: 'liangjiang-2',
    protocol: 'opcua',
    type: 'stacker-crane',
    name: '双立柱堆垛机',
    manufacturer: 'Gaojia',
    model: 'SR-18',
    number: 2,
  },
  {
    site: 'liangjiang-2',
    protocol: 'modbus',
    type: 'conveyor',
    name: '辊道输送线',
    manufacturer: 'Changlu',
    model: 'RC-12',
    number: 3,
  },
];

/** What goes wrong in the demo, by device id, so that the page has something to explain. */
const FAULTS: Readonly<Record<string, readonly Fault[]>> = {
  'agv-05': [{ kind: 'silent', afterS: 45 }],
  'forklift-04': [{ kind: 'dead', afterS: 60, forS: 40, everyS: 120 }],
  'environmental-monitor-02': [{ kind: 'bad-values', afterS: 30, forS: 60, everyS: 180 }],
  'pump-04': [{ kind: 'dead', afterS: 40 }],
  'energy-meter-03': [{ kind: 'bad-values', afterS: 50, forS: 30, everyS: 150 }],
  'injection-moulding-06': [{ kind: 'silent', afterS: 50 }],
  'industrial-robot-04': [{ kind: 'bad-values', afterS: 70, forS: 45, everyS: 200 }],
};

/** Machines that also answer over a second protocol: still one machine (R2). */
const SECOND_PROTOCOL: Readonly<Record<string, SimulatedProtocol>> = {
  'injection-moulding-01': 'modbus',
  'chiller-01': 'modbus',
};

/** How often values change and are published. */
const INTERVAL_MS = 2_000;

/** The demo's fleet: the same seed gives the same devices. One id may stand for two entries, one a protocol. */
export function demoFleet(seed: number): readonly SimulatedDevice[] {
  const random = seeded(seed);
  const devices: SimulatedDevice[] = [];
  let unitId = 0;
  for (const { number, name, site, protocol, type, manufacturer, model } of MACHINES) {
    for (let i = 1; i <= number; i++) {
      const id = `${type}-${String(i).padStart(2, '0')}`;
      const device = {
        id,
        name: `${name}${i}号`,
        type,
        enterprise: enterpriseOf(site),
        site,
        manufacturer,
        model,
        serialNumber: `SIM${Math.floor(random() * 1e9)
          .toString()
          .padStart(9, '0')}`,
        intervalMs: INTERVAL_MS,
        faults: FAULTS[id] ?? [],
      };
      for (const spoken of [protocol, SECOND_PROTOCOL[id]]) {
        if (spoken === undefined) continue;
        devices.push(
          spoken === 'modbus' ? { ...device, protocol: spoken, unitId: ++unitId } : { ...device, protocol: spoken },
        );
      }
    }
  }
  return devices;
}

function enterpriseOf(site: string): string {
  const found = ENTERPRISES.find((enterprise) => enterprise.sites.some(({ id }) => id === site));
  if (found === undefined) throw new Error(`no enterprise has the site ${site}`);
  return found.id;
}
