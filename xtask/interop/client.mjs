// The TypeScript SDK as a client: connects to one server in one era and checks what it offers.
//
//   node client.mjs ERA OFFER http URL
//   node client.mjs ERA OFFER sse URL
//   node client.mjs ERA OFFER stdio COMMAND [ARGUMENT...]
//
// ERA is `legacy`, `modern` or `auto`. OFFER is the JSON that `xtask/src/interop/offer.rs` writes: what the server
// must have.

import { Client, SSEClientTransport, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { checkAll } from './checks.mjs';

const [era, offerText, kind, target, ...targetArguments] = process.argv.slice(2);
const offer = JSON.parse(offerText);
const modes = { legacy: 'legacy', modern: { pin: offer.modern }, auto: 'auto' };

const transports = {
    http: () => new StreamableHTTPClientTransport(new URL(target)),
    sse: () => new SSEClientTransport(new URL(target)),
    stdio: () => new StdioClientTransport({ command: target, args: targetArguments })
};
const transport = transports[kind]();
const client = new Client(
    { name: 'interop-typescript-client', version: '1.0.0' },
    { versionNegotiation: { mode: modes[era] } }
);

await checkAll(
    client,
    {
        connect: async () => {
            await client.connect(transport, { timeout: 20_000 });
            return client.getNegotiatedProtocolVersion();
        },
        call: (request, options) => client.callTool(request, options)
    },
    offer
);
