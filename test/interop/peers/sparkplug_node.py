"""An edge node of Sparkplug B with two devices, by pysparkplug. Arguments: port, group, node."""

import sys
import time

import pysparkplug as psp


def metric(name, datatype, value):
    return psp.Metric(
        timestamp=psp.get_current_timestamp(), name=name, datatype=datatype, value=value
    )


def nameplate(serial):
    return (
        metric("Properties/Hardware Make", psp.DataType.STRING, "Yunfeng"),
        metric("Properties/Serial Number", psp.DataType.STRING, serial),
        metric("load", psp.DataType.DOUBLE, 0.0),
    )


port, group, name = int(sys.argv[1]), sys.argv[2], sys.argv[3]
node = psp.EdgeNode(group, name, (metric("uptime", psp.DataType.INT64, 0),))
devices = [psp.Device(f"press-{i}", nameplate(f"SN-{i}")) for i in (1, 2)]
for device in devices:
    node.register(device)
node.connect("127.0.0.1", port=port)
time.sleep(0.5)
print("connected", flush=True)
count = 0
while True:
    count += 1
    node.update((metric("uptime", psp.DataType.INT64, count),))
    for device in devices:
        node.update_device(
            device.device_id, (metric("load", psp.DataType.DOUBLE, count / 10),)
        )
    time.sleep(0.1)
