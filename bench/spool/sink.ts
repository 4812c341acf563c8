/** Answers every write with 204, as InfluxDB does, and does nothing else: what is measured is the sender. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

let requests = 0;
const server = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    requests += 1;
    response.writeHead(204, { 'x-influxdb-version': '2.7' }).end();
    process.send?.({ requests });
  });
});
server.listen(0, '127.0.0.1', () => process.send?.({ port: (server.address() as AddressInfo).port, requests }));
process.on('disconnect', () => process.exit(0));
