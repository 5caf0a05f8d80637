// The TypeScript SDK of the legacy era as a server.
//
//   node server.mjs http     binds a free port of 127.0.0.1 and prints the URL
//   node server.mjs stdio
//
// It offers what `xtask/src/interop/offer.rs` says of it.

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js';
import { offer } from '../offer.mjs';

function open() {
    const server = new McpServer({ name: 'interop-typescript-legacy-server', version: '1.0.0' });
    const asked = ({ _meta, sendNotification }) => [_meta?.progressToken, sendNotification];
    return offer(server, asked, members => members);
}

const sessions = new Map();

// The transport of the session that a request names; a request that names none begins one.
async function transportOf(request) {
    const id = request.headers['mcp-session-id'];
    if (id !== undefined) return sessions.get(id);
    const transport = new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: id => void sessions.set(id, transport),
        onsessionclosed: id => void sessions.delete(id)
    });
    await open().connect(transport);
    return transport;
}

if (process.argv[2] === 'stdio') {
    await open().connect(new StdioServerTransport());
} else {
    const listener = createServer(async (request, response) => {
        const transport = await transportOf(request);
        if (transport) await transport.handleRequest(request, response);
        else response.writeHead(404).end();
    });
    listener.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${listener.address().port}/mcp`));
}
