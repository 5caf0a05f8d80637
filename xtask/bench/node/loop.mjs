// The tool loop of the AI SDK: one question after the other. To each the scripted model answers with a call of `echo`,
// which runs in this process, and then with a text.
//
//   node loop.mjs --model http://127.0.0.1:PORT/v1 [--requests N] [--warm N]
//
// Its tool is a plain function: it is spared the MCP server that ours asks.

import { parseArgs } from 'node:util';
import { createOpenAI } from '@ai-sdk/openai';
import { generateText, isStepCount, tool } from 'ai';
import { z } from 'zod';

const { values } = parseArgs({
    options: {
        model: { type: 'string' },
        requests: { type: 'string', default: '1000' },
        warm: { type: 'string', default: '0' }
    },
    strict: false
});

const model = createOpenAI({ baseURL: values.model, apiKey: 'none' }).chat('scripted');
const echo = tool({
    description: 'Returns what it is given',
    inputSchema: z.object({ text: z.string() }),
    execute: async ({ text }) => text
});

async function question() {
    const end = await generateText({
        model,
        tools: { echo },
        stopWhen: isStepCount(5),
        prompt: 'What does the echo say?'
    });
    if (end.steps.length !== 2 || end.text === '') throw new Error(`the loop did not end: ${end.finishReason}`);
}

for (let index = 0; index < Number(values.warm); index += 1) await question();
const took = [];
const cpu = process.cpuUsage();
const begun = process.hrtime.bigint();
for (let index = 0; index < Number(values.requests); index += 1) {
    const start = performance.now();
    await question();
    took.push((performance.now() - start) * 1000);
}
const wall = process.hrtime.bigint() - begun;
const { user, system } = process.cpuUsage(cpu);
took.sort((a, b) => a - b);
const at = percent => took[Math.min(took.length - 1, Math.floor((took.length * percent) / 100))] ?? 0;
console.log(
    JSON.stringify({
        requests: took.length,
        cpu_ns: (user + system) * 1000,
        wall_ns: Number(wall),
        p50_us: at(50),
        p99_us: at(99)
    })
);
