// The TypeScript SDK as a server, in both eras at once.
//
//   node server.mjs http     binds a free port of 127.0.0.1 and prints the URL
//   node server.mjs stdio
//
// It offers what `xtask/src/interop/offer.rs` says of it.

import { createServer } from 'node:http';
import {
    localhostHostValidation,
    localhostOriginValidation,
    toNodeHandler
} from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';
import { offer } from './offer.mjs';

function open() {
    const server = new McpServer({ name: 'interop-typescript-server', version: '1.0.0' });
    const asked = ({ mcpReq }) => [mcpReq._meta?.progressToken, message => mcpReq.notify(message)];
    return offer(server, asked, members => z.object(members));
}

if (process.argv[2] === 'stdio') {
    serveStdio(open);
} else {
    const serve = toNodeHandler(createMcpHandler(open));
    const hostIsLocal = localhostHostValidation();
    const originIsLocal = localhostOriginValidation();
    const listener = createServer((request, response) => {
        if (hostIsLocal(request, response) && originIsLocal(request, response)) void serve(request, response);
    });
    listener.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${listener.address().port}/mcp`));
}
