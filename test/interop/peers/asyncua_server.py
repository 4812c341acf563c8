"""An OPC UA server by asyncua with machines whose values change. Usage: asyncua_server.py PORT FOLDER none|Basic256Sha256."""
import asyncio
import pathlib
import sys
from datetime import timedelta

from asyncua import Server, ua
from asyncua.crypto.cert_gen import setup_self_signed_certificate
from asyncua.crypto.validator import CertificateValidator, CertificateValidatorOptions
from cryptography.x509.oid import ExtendedKeyUsageOID

NAMESPACE = "urn:interop:machines"


async def main() -> None:
    port, folder, security = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    server = Server()
    await server.init()
    server.set_endpoint(f"opc.tcp://127.0.0.1:{port}/interop/")
    server.set_server_name("interop")
    await server.set_application_uri("urn:interop:server")
    if security == "none":
        server.set_security_policy([ua.SecurityPolicyType.NoSecurity])
    else:
        key, certificate = folder / "key.pem", folder / "certificate.der"
        await setup_self_signed_certificate(
            key,
            certificate,
            "urn:interop:server",
            "127.0.0.1",
            [ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.SERVER_AUTH],
            {"organizationName": "interop"},
        )
        await server.load_certificate(str(certificate))
        await server.load_private_key(str(key))
        server.set_security_policy([ua.SecurityPolicyType.Basic256Sha256_SignAndEncrypt])
    index = await server.register_namespace(NAMESPACE)
    machines = await server.nodes.objects.add_object(ua.NodeId("Machines", index), "Machines")
    values = []
    for number in range(1, 4):
        machine = await machines.add_object(ua.NodeId(f"machine-{number}", index), f"machine-{number}")
        await machine.add_property(index, "Manufacturer", "Interop Works")
        await machine.add_property(index, "Model", f"IW-{number}")
        await machine.add_property(index, "SerialNumber", f"SN-{number}")
        values.append(await machine.add_variable(ua.NodeId(f"machine-{number}.speed", index), "speed", 0.0))
    frozen = await machines.add_object(ua.NodeId("frozen", index), "frozen")
    await frozen.add_variable(ua.NodeId("frozen.speed", index), "speed", 42.0)
    async with server:
        print("listening", flush=True)
        counter = 0
        while True:
            counter += 1
            for number, value in enumerate(values):
                await value.write_value(float(number * 1000 + counter))
            await asyncio.sleep(0.2)


asyncio.run(main())
