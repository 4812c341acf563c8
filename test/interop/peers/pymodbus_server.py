"""A Modbus TCP server by pymodbus: several units whose registers change ten times a second. Usage: pymodbus_server.py PORT UNITS."""
import asyncio
import struct
import sys

from pymodbus.datastore import ModbusDeviceContext, ModbusSequentialDataBlock, ModbusServerContext
from pymodbus.pdu.device import ModbusDeviceIdentification
from pymodbus.server import ModbusTcpServer

HOLDING = 3


def registers(value: float, counter: int) -> list[int]:
    return list(struct.unpack(">HH", struct.pack(">f", value))) + list(struct.unpack(">HH", struct.pack(">I", counter)))


async def main() -> None:
    port, units = int(sys.argv[1]), int(sys.argv[2])
    devices = {
        unit: ModbusDeviceContext(
            hr=ModbusSequentialDataBlock(1, [0] * 100),
            ir=ModbusSequentialDataBlock(1, [7] * 100),
            co=ModbusSequentialDataBlock(1, [True, False] * 50),
            di=ModbusSequentialDataBlock(1, [False, True] * 50),
        )
        for unit in range(1, units + 1)
    }
    context = ModbusServerContext(devices=devices, single=False)
    identity = ModbusDeviceIdentification(
        info_name={"VendorName": "pymodbus", "ProductCode": "PM", "MajorMinorRevision": "3", "ModelName": "interop"}
    )
    server = ModbusTcpServer(context, identity=identity, address=("127.0.0.1", port))
    asyncio.get_running_loop().create_task(server.serve_forever())
    print("listening", flush=True)
    counter = 0
    while True:
        counter += 1
        for unit, device in devices.items():
            device.setValues(HOLDING, 0, registers(unit + counter / 10, counter))
        await asyncio.sleep(0.1)


asyncio.run(main())
