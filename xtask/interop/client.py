"""The Python SDK as a client: connects to one server in one era and checks what it offers.

    python client.py ERA OFFER http URL
    python client.py ERA OFFER stdio COMMAND [ARGUMENT...]

ERA is `legacy`, `modern` or `auto`. OFFER is the JSON that `xtask/src/interop/offer.rs` writes: what the server must
have. Each check prints one line of JSON, `{"check","ok","detail"}`. The exit code is 0 when every check ran, also when
some are red: the harness reads the lines.
"""

import asyncio
import json
import sys
import traceback

from mcp import Client, MCPError, StdioServerParameters

ERA, OFFER_TEXT, KIND, TARGET, *TARGET_ARGUMENTS = sys.argv[1:]
OFFER = json.loads(OFFER_TEXT)


def expect(condition, message):
    """Raises when the condition does not hold; unlike `assert`, also under `python -O`."""
    if not condition:
        raise RuntimeError(message)


def report(check, ok, detail):
    print(json.dumps({"check": check, "ok": ok, "detail": detail}), flush=True)


async def check(name, body):
    try:
        report(name, True, await body() or "")
    except Exception:
        report(name, False, traceback.format_exc())


def said(content):
    return "\n".join(block.text for block in content if block.type == "text")


async def run_checks(client):
    async def connect():
        expected = OFFER["version"]
        version = client.protocol_version
        expect(version == expected, f"negotiated {version}, expected {expected}")
        return version

    async def listing():
        tools = (await client.list_tools()).tools
        names = [tool.name for tool in tools]
        for name in OFFER["tools"]:
            expect(name in names, f"tools/list has no {name}: {names}")
        for tool in tools:
            expect(tool.input_schema["type"] == "object", f"the schema of {tool.name} is no object")
        if OFFER["resource"]:
            uris = [str(resource.uri) for resource in (await client.list_resources()).resources]
            expect(OFFER["resource"]["uri"] in uris, f"resources/list has only {uris}")
        if OFFER["prompt"]:
            prompts = [prompt.name for prompt in (await client.list_prompts()).prompts]
            expect(OFFER["prompt"]["name"] in prompts, f"prompts/list has only {prompts}")
        return f"{len(names)} tools"

    async def call():
        for one in OFFER["calls"]:
            result = await client.call_tool(one["tool"], one["arguments"])
            expect(not result.is_error, f"{one['tool']} failed: {result.content}")
            expect(one["answer"] in said(result.content), f"{one['tool']} answered {result.content}")
        return f"{len(OFFER['calls'])} calls"

    async def refuse():
        refused = []
        for one in OFFER["refused"]:
            try:
                result = await client.call_tool(one["tool"], one["arguments"])
                expect(result.is_error, f"{one['tool']} with {one['arguments']} was not refused")
                refused.append("isError")
            except MCPError as error:
                refused.append(str(error.error.code))
        return ", ".join(refused)

    async def read():
        contents = (await client.read_resource(OFFER["resource"]["uri"])).contents
        expect(len(contents) > 0 and str(contents[0].uri) == OFFER["resource"]["uri"], repr(contents))
        expect(OFFER["resource"]["text"] in contents[0].text, repr(contents))
        return contents[0].mime_type

    async def prompt():
        wanted = OFFER["prompt"]
        messages = (await client.get_prompt(wanted["name"], wanted["arguments"])).messages
        expect(wanted["text"] in said(message.content for message in messages), repr(messages))
        return f"{len(messages)} messages"

    await check("connect", connect)
    await check("list", listing)
    await check("call", call)
    await check("refuse", refuse)
    if OFFER["resource"]:
        await check("read", read)
    if OFFER["prompt"]:
        await check("prompt", prompt)


async def main():
    target = TARGET if KIND == "http" else StdioServerParameters(command=TARGET, args=TARGET_ARGUMENTS)
    mode = OFFER["modern"] if ERA == "modern" else ERA
    stage = "connect"
    try:
        async with Client(target, mode=mode, read_timeout_seconds=20) as client:
            stage = "close"
            await run_checks(client)
        report("close", True, "")
    except Exception:
        report(stage, False, traceback.format_exc())


asyncio.run(main())
