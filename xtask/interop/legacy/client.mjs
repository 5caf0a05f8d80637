// The TypeScript SDK of the legacy era as a client: connects to one server and checks what it offers.
//
//   node client.mjs legacy OFFER http URL
//   node client.mjs legacy OFFER sse URL
//   node client.mjs legacy OFFER stdio COMMAND [ARGUMENT...]
//
// OFFER is the JSON that `xtask/src/interop/offer.rs` writes: what the server must have.

import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { SSEClientTransport } from '@modelcontextprotocol/sdk/client/sse.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { checkAll } from '../checks.mjs';

const [, offerText, kind, target, ...targetArguments] = process.argv.slice(2);

const transports = {
    http: () => new StreamableHTTPClientTransport(new URL(target)),
    sse: () => new SSEClientTransport(new URL(target)),
    stdio: () => new StdioClientTransport({ command: target, args: targetArguments })
};
const transport = transports[kind]();
const client = new Client({ name: 'interop-typescript-legacy-client', version: '1.0.0' });

// The client does not tell the negotiated revision, but it tells its transport.
let version;
const tellTransport = transport.setProtocolVersion?.bind(transport);
transport.setProtocolVersion = negotiated => {
    version = negotiated;
    tellTransport?.(negotiated);
};

await checkAll(
    client,
    {
        connect: async () => {
            await client.connect(transport, { timeout: 20_000 });
            return version;
        },
        call: (request, options) => client.callTool(request, undefined, options)
    },
    JSON.parse(offerText)
);
