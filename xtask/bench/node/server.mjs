// The TypeScript SDK as a server, in both eras at once, as its README writes one.
//
//   node server.mjs [--http 127.0.0.1:PORT] [--tools N]
//
// Over HTTP when an address is given, else over standard streams.

import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import {
    localhostHostValidation,
    localhostOriginValidation,
    toNodeHandler
} from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

const { values } = parseArgs({
    options: { http: { type: 'string' }, tools: { type: 'string', default: '0' } },
    // Flags of other subjects mean nothing here.
    strict: false
});

// Schemas are made once; a server is made for each request, as the SDK wants it.
const text = z.object({ text: z.string() });
const count = z.object({ n: z.number().int() });
const echo = async ({ text }) => ({ content: [{ type: 'text', text }] });

async function progress({ n }, { mcpReq }) {
    const progressToken = mcpReq._meta?.progressToken;
    for (let step = 1; progressToken !== undefined && step <= n; step += 1) {
        await mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: step, total: n } });
    }
    return { content: [{ type: 'text', text: 'done' }] };
}

function open() {
    const server = new McpServer({ name: 'bench-typescript', version: '1.0.0' });
    server.registerTool('echo', { description: 'Returns what it is given', inputSchema: text }, echo);
    const about = 'Tells how far it has come, and then `done`';
    server.registerTool('progress', { description: about, inputSchema: count }, progress);
    for (let index = 0; index < Number(values.tools); index += 1) {
        server.registerTool(`tool_${index}`, { description: 'Returns what it is given', inputSchema: text }, echo);
    }
    return server;
}

if (values.http === undefined) {
    serveStdio(open);
} else {
    const [host, port] = values.http.split(':');
    const serve = toNodeHandler(createMcpHandler(open));
    const hostIsLocal = localhostHostValidation();
    const originIsLocal = localhostOriginValidation();
    const listener = createServer((request, response) => {
        if (hostIsLocal(request, response) && originIsLocal(request, response)) void serve(request, response);
    });
    listener.listen(Number(port), host, () => {
        console.error(`listening on http://${host}:${listener.address().port}/mcp`);
    });
}
