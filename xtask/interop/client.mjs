// The TypeScript SDK as a client: connects to one server in one era and checks what it offers.
//
//   node client.mjs ERA OFFER http URL
//   node client.mjs ERA OFFER stdio COMMAND [ARGUMENT...]
//
// ERA is `legacy`, `modern` or `auto`. OFFER is the JSON that `xtask/src/interop/offer.rs` writes: what the server
// must have. Each check prints one line of JSON, `{"check","ok","detail"}`. The exit code is 0 when every check ran,
// also when some are red: the harness reads the lines.

import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';

const [era, offerText, kind, target, ...targetArguments] = process.argv.slice(2);
const offer = JSON.parse(offerText);
const modes = { legacy: 'legacy', modern: { pin: offer.modern }, auto: 'auto' };

function expect(condition, message) {
    if (!condition) throw new Error(message);
}

function report(check, ok, detail) {
    console.log(JSON.stringify({ check, ok, detail }));
}

async function check(name, body) {
    try {
        report(name, true, (await body()) ?? '');
    } catch (error) {
        report(name, false, String(error?.stack ?? error));
    }
}

function text(content) {
    return content
        .filter(block => block.type === 'text')
        .map(block => block.text)
        .join('\n');
}

const transport =
    kind === 'http'
        ? new StreamableHTTPClientTransport(new URL(target))
        : new StdioClientTransport({ command: target, args: targetArguments });
const client = new Client(
    { name: 'interop-typescript-client', version: '1.0.0' },
    { versionNegotiation: { mode: modes[era] } }
);

await check('connect', async () => {
    await client.connect(transport, { timeout: 20_000 });
    const version = client.getNegotiatedProtocolVersion();
    const expected = offer.version;
    expect(version === expected, `negotiated ${version}, expected ${expected}`);
    return version;
});

await check('list', async () => {
    const { tools } = await client.listTools();
    const names = tools.map(tool => tool.name);
    for (const name of offer.tools) expect(names.includes(name), `tools/list has no ${name}: ${names}`);
    for (const tool of tools) expect(tool.inputSchema.type === 'object', `the schema of ${tool.name} is no object`);
    if (offer.resource) {
        const { resources } = await client.listResources();
        const uris = resources.map(resource => resource.uri);
        expect(uris.includes(offer.resource.uri), `resources/list has no ${offer.resource.uri}: ${uris}`);
    }
    if (offer.prompt) {
        const { prompts } = await client.listPrompts();
        const prompt = prompts.find(prompt => prompt.name === offer.prompt.name);
        expect(prompt, `prompts/list has no ${offer.prompt.name}`);
    }
    return `${names.length} tools`;
});

await check('call', async () => {
    for (const call of offer.calls) {
        const result = await client.callTool({ name: call.tool, arguments: call.arguments });
        expect(!result.isError, `${call.tool} failed: ${JSON.stringify(result.content)}`);
        expect(text(result.content).includes(call.answer), `${call.tool} answered ${JSON.stringify(result.content)}`);
    }
    return `${offer.calls.length} calls`;
});

await check('refuse', async () => {
    const refused = [];
    for (const call of offer.refused) {
        try {
            const result = await client.callTool({ name: call.tool, arguments: call.arguments });
            expect(result.isError, `${call.tool} with ${JSON.stringify(call.arguments)} was not refused`);
            refused.push('isError');
        } catch (error) {
            // A JSON-RPC error carries its code; anything else (a timeout, a broken pipe) is no refusal.
            if (typeof error?.code !== 'number') throw error;
            refused.push(String(error.code));
        }
    }
    return refused.join(', ');
});

if (offer.resource) {
    await check('read', async () => {
        const { contents } = await client.readResource({ uri: offer.resource.uri });
        expect(contents.length > 0 && contents[0].uri === offer.resource.uri, JSON.stringify(contents));
        expect((contents[0].text ?? '').includes(offer.resource.text), JSON.stringify(contents));
        return contents[0].mimeType;
    });
}

if (offer.prompt) {
    await check('prompt', async () => {
        const { messages } = await client.getPrompt({ name: offer.prompt.name, arguments: offer.prompt.arguments });
        const said = messages.map(message => message.content.text ?? '').join('\n');
        expect(said.includes(offer.prompt.text), `the prompt says ${JSON.stringify(messages)}`);
        return `${messages.length} messages`;
    });
}

await check('close', async () => {
    await client.close();
});
process.exit(0);
