// What a client of either TypeScript SDK checks, in the order of the lines it prints.
//
// `ask` is what differs between the two: `connect()` returns the negotiated revision, `call(request, options)` the result
// of a call.
//
// Each check prints one line of JSON, `{"check","ok","detail"}`. The exit code is 0 when every check ran, also when some
// are red: the harness reads the lines.

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

function same(found, wanted) {
    return JSON.stringify(found) === JSON.stringify(wanted);
}

function fits(said, wanted) {
    if ('like' in wanted) return said.replace(/[0-9]/g, '0') === wanted.like;
    return 'is' in wanted ? said === wanted.is : wanted.holds.every(part => said.includes(part));
}

function expectTool(tools, wanted) {
    const tool = tools.find(tool => tool.name === wanted.name);
    expect(tool, `tools/list has no ${wanted.name}: ${tools.map(tool => tool.name)}`);
    const { type, properties = {}, required = [] } = tool.inputSchema;
    expect(type === 'object', `the schema of ${tool.name} is no object`);
    const takes = Object.entries(properties).map(([name, schema]) => [name, schema.type]);
    const schema = JSON.stringify(tool.inputSchema);
    expect(same(takes.sort(), Object.entries(wanted.takes).sort()), `${tool.name} takes ${schema}`);
    expect(same([...required].sort(), [...wanted.required].sort()), `${tool.name} requires ${schema}`);
}

async function callAndExpect(ask, call, options) {
    const result = await ask.call({ name: call.tool, arguments: call.arguments }, options);
    expect(!result.isError, `${call.tool} failed: ${JSON.stringify(result.content)}`);
    expect(fits(text(result.content), call.answer), `${call.tool} answered ${JSON.stringify(result.content)}`);
}

export async function checkAll(client, ask, offer) {
    await check('connect', async () => {
        const version = await ask.connect();
        const expected = offer.version;
        expect(version === expected, `negotiated ${version}, expected ${expected}`);
        return version;
    });

    await check('list', async () => {
        const { tools } = await client.listTools();
        for (const wanted of offer.tools) expectTool(tools, wanted);
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
        return `${tools.length} tools`;
    });

    await check('call', async () => {
        for (const call of offer.calls) await callAndExpect(ask, call);
        return `${offer.calls.length} calls`;
    });

    if (offer.progress) {
        await check('progress', async () => {
            const { call, steps } = offer.progress;
            const told = [];
            const tell = ({ progress, total }) => told.push([progress, total]);
            // The SDK drops the callback with the response, but hands notifications out one turn later: one that comes
            // in the same read as the response, as the last of a call does over stdio, goes to `onerror`.
            const late = 'Received a progress notification for an unknown token: ';
            client.onerror = ({ message }) => {
                if (message.startsWith(late)) tell(JSON.parse(message.slice(late.length)).params);
            };
            await callAndExpect(ask, call, { onprogress: tell });
            await new Promise(setImmediate);
            client.onerror = undefined;
            const wanted = Array.from({ length: steps }, (_, index) => [index + 1, steps]);
            expect(same(told, wanted), `told ${JSON.stringify(told)}`);
            return `${told.length} times`;
        });
    }

    if (offer.picture) {
        await check('picture', async () => {
            const { content } = await ask.call({ name: offer.picture, arguments: {} });
            const picture = content.find(block => block.type === 'image');
            expect(picture?.mimeType === 'image/png', JSON.stringify(content));
            const bytes = Buffer.from(picture.data, 'base64');
            expect(bytes.subarray(1, 4).toString() === 'PNG', JSON.stringify(content));
            return `${bytes.length} bytes`;
        });
    }

    await check('refuse', async () => {
        const refused = [];
        for (const { tool, arguments: given, code, answered } of offer.refused) {
            let result;
            try {
                result = await ask.call({ name: tool, arguments: given });
            } catch (error) {
                // A JSON-RPC error carries its code; anything else (a timeout, a broken pipe) is no refusal.
                if (typeof error?.code !== 'number') throw error;
                expect(!answered && (code === null || error.code === code), `${tool} was refused with ${error.stack}`);
                refused.push(String(error.code));
                continue;
            }
            const said = JSON.stringify(result.content);
            expect(result.isError && code === null, `${tool} with ${JSON.stringify(given)} was not refused: ${said}`);
            expect((answered ?? []).every(part => text(result.content).includes(part)), `${tool} answered ${said}`);
            refused.push('isError');
        }
        return refused.join(', ');
    });

    if (offer.resource) {
        await check('read', async () => {
            const { contents } = await client.readResource({ uri: offer.resource.uri });
            expect(contents.length === 1 && contents[0].uri === offer.resource.uri, JSON.stringify(contents));
            expect(fits(contents[0].text ?? '', offer.resource.text), JSON.stringify(contents));
            return contents[0].mimeType;
        });
    }

    if (offer.prompt) {
        await check('prompt', async () => {
            const { messages } = await client.getPrompt({ name: offer.prompt.name, arguments: offer.prompt.arguments });
            expect(messages.length === 1 && messages[0].role === 'user', JSON.stringify(messages));
            expect(fits(messages[0].content.text ?? '', offer.prompt.text), `the prompt says ${JSON.stringify(messages)}`);
            return `${messages.length} messages`;
        });
    }

    await check('close', async () => {
        await client.close();
    });
    process.exit(0);
}
