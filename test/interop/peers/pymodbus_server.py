"""A Modbus TCP server by pymodbus: several units whose registers change ten times a second. Usage: pymodbus_server.py PORT UNITS."""
import asyncio
import struct
import sys

from pymodbus.pdu.device import ModbusDeviceIdentification
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

WRITE_REGISTERS = 16


def registers(value: float, counter: int) -> list[int]:
    return list(struct.unpack(">HHHH", struct.pack(">fI", value, counter)))


def device(unit: int) -> SimDevice:
    coils = [SimData(0, values=[True, False] * 8, datatype=DataType.BITS)]
    discrete = [SimData(0, values=[False, True] * 8, datatype=DataType.BITS)]
    holding = [SimData(0, count=100, values=0, datatype=DataType.REGISTERS)]
    inputs = [SimData(0, count=100, values=7, datatype=DataType.REGISTERS)]
    return SimDevice(id=unit, simdata=(coils, discrete, holding, inputs))


async def main() -> None:
    port, units = int(sys.argv[1]), range(1, int(sys.argv[2]) + 1)
    identity = ModbusDeviceIdentification(
        info_name={"VendorName": "pymodbus", "ProductCode": "PM", "MajorMinorRevision": "3", "ModelName": "interop"}
    )
    server = ModbusTcpServer([device(unit) for unit in units], identity=identity, address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    print("listening", flush=True)
    counter = 0
    while True:
        counter += 1
        for unit in units:
            await server.async_setValues(unit, WRITE_REGISTERS, 0, registers(unit + counter / 10, counter))
        await asyncio.sleep(0.1)


asyncio.run(main())
