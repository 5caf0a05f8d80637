// The TypeScript SDK as a server, in both eras at once.
//
//   node server.mjs http     binds a free port of 127.0.0.1 and prints the URL
//   node server.mjs stdio
//
// It offers what `xtask/src/interop/offer.rs` says of it.

import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import {
    localhostHostValidation,
    localhostOriginValidation,
    toNodeHandler
} from '@modelcontextprotocol/node';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { z } from 'zod';

// One black pixel.
const picture = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==';

async function countdown({ seconds, steps }, context) {
    const progressToken = context.mcpReq._meta?.progressToken;
    for (let step = 1; step <= steps; step += 1) {
        await sleep((seconds * 1000) / steps);
        if (progressToken === undefined) continue;
        const params = { progressToken, progress: step, total: steps, message: `${steps - step} to go` };
        await context.mcpReq.notify({ method: 'notifications/progress', params });
    }
    return { content: [{ type: 'text', text: `Counted down ${seconds} seconds in ${steps} steps.` }] };
}

function offer() {
    const server = new McpServer({ name: 'interop-typescript-server', version: '1.0.0' });
    server.registerTool(
        'echo',
        { description: 'Says the text again.', inputSchema: z.object({ text: z.string() }) },
        async ({ text }) => ({ content: [{ type: 'text', text }] })
    );
    server.registerTool(
        'add',
        { description: 'Adds two numbers.', inputSchema: z.object({ a: z.number(), b: z.number() }) },
        async ({ a, b }) => ({ content: [{ type: 'text', text: String(a + b) }] })
    );
    server.registerTool(
        'countdown',
        {
            description: 'Waits and tells how far it has come.',
            inputSchema: z.object({ seconds: z.number(), steps: z.int() })
        },
        countdown
    );
    server.registerTool('picture', { description: 'Shows one pixel.', inputSchema: z.object({}) }, async () => ({
        content: [{ type: 'image', mimeType: 'image/png', data: picture }]
    }));
    server.registerResource(
        'about',
        'embedded://about',
        { description: 'What this server is.', mimeType: 'text/plain' },
        async uri => ({
            contents: [{ uri: uri.href, mimeType: 'text/plain', text: 'A server of the Model Context Protocol.' }]
        })
    );
    server.registerPrompt(
        'summarize',
        {
            description: 'Asks for a summary.',
            argsSchema: z.object({ text: z.string(), style: z.string().optional() })
        },
        ({ text, style }) => ({
            messages: [{ role: 'user', content: { type: 'text', text: `Summarize (${style ?? 'short'}): ${text}` } }]
        })
    );
    return server;
}

if (process.argv[2] === 'stdio') {
    serveStdio(offer);
} else {
    const serve = toNodeHandler(createMcpHandler(offer));
    const hostIsLocal = localhostHostValidation();
    const originIsLocal = localhostOriginValidation();
    const listener = createServer((request, response) => {
        if (hostIsLocal(request, response) && originIsLocal(request, response)) void serve(request, response);
    });
    listener.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${listener.address().port}/mcp`));
}
