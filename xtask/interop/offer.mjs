// What the servers of both TypeScript SDKs offer, as `xtask/src/interop/offer.rs` says of them.

import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';

// One black pixel.
const picture = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg==';

async function countdown({ seconds, steps }, progressToken, notify) {
    for (let step = 1; step <= steps; step += 1) {
        await sleep((seconds * 1000) / steps);
        if (progressToken === undefined) continue;
        const params = { progressToken, progress: step, total: steps, message: `${steps - step} to go` };
        await notify({ method: 'notifications/progress', params });
    }
    return { content: [{ type: 'text', text: `Counted down ${seconds} seconds in ${steps} steps.` }] };
}

// Fills a server of either SDK. `asked` returns the progress token of a request and what sends a notification for it,
// `argsOf` makes the schema of a prompt from its members.
export function offer(server, asked, argsOf) {
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
        (given, context) => countdown(given, ...asked(context))
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
            argsSchema: argsOf({ text: z.string(), style: z.string().optional() })
        },
        ({ text, style }) => ({
            messages: [{ role: 'user', content: { type: 'text', text: `Summarize (${style ?? 'short'}): ${text}` } }]
        })
    );
    return server;
}
