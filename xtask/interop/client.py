"""The Python SDK as a client: connects to one server in one era and checks what it offers.

    python client.py ERA OFFER http URL
    python client.py ERA OFFER stdio COMMAND [ARGUMENT...]

ERA is `legacy`, `modern` or `auto`. OFFER is the JSON that `xtask/src/interop/offer.rs` writes: what the server must
have. Each check prints one line of JSON, `{"check","ok","detail"}`. The exit code is 0 when every check ran, also when
some are red: the harness reads the lines.
"""

import asyncio
import base64
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


def fits(text, wanted):
    return text == wanted["is"] if "is" in wanted else all(part in text for part in wanted["holds"])


def expect_tool(tools, wanted):
    names = [tool.name for tool in tools]
    expect(wanted["name"] in names, f"tools/list has no {wanted['name']}: {names}")
    schema = tools[names.index(wanted["name"])].input_schema
    expect(schema["type"] == "object", f"the schema of {wanted['name']} is no object")
    takes = {name: property.get("type") for name, property in schema.get("properties", {}).items()}
    expect(takes == wanted["takes"], f"{wanted['name']} takes {schema}")
    expect(sorted(schema.get("required", [])) == sorted(wanted["required"]), f"{wanted['name']} requires {schema}")


async def call_and_expect(client, one, **options):
    result = await client.call_tool(one["tool"], one["arguments"], **options)
    expect(not result.is_error, f"{one['tool']} failed: {result.content}")
    expect(fits(said(result.content), one["answer"]), f"{one['tool']} answered {result.content}")


async def run_checks(client):
    async def connect():
        expected = OFFER["version"]
        version = client.protocol_version
        expect(version == expected, f"negotiated {version}, expected {expected}")
        return version

    async def listing():
        tools = (await client.list_tools()).tools
        for wanted in OFFER["tools"]:
            expect_tool(tools, wanted)
        if OFFER["resource"]:
            uris = [str(resource.uri) for resource in (await client.list_resources()).resources]
            expect(OFFER["resource"]["uri"] in uris, f"resources/list has only {uris}")
        if OFFER["prompt"]:
            prompts = [prompt.name for prompt in (await client.list_prompts()).prompts]
            expect(OFFER["prompt"]["name"] in prompts, f"prompts/list has only {prompts}")
        return f"{len(tools)} tools"

    async def call():
        for one in OFFER["calls"]:
            await call_and_expect(client, one)
        return f"{len(OFFER['calls'])} calls"

    async def progress():
        told = []

        async def tell(progress, total, message):
            told.append((progress, total))

        steps = OFFER["progress"]["steps"]
        await call_and_expect(client, OFFER["progress"]["call"], progress_callback=tell)
        expect(told == [(step, steps) for step in range(1, steps + 1)], f"told {told}")
        return f"{len(told)} times"

    async def picture():
        content = (await client.call_tool(OFFER["picture"], {})).content
        pictures = [block for block in content if block.type == "image"]
        expect(pictures and pictures[0].mime_type == "image/png", repr(content))
        data = base64.b64decode(pictures[0].data, validate=True)
        expect(data[1:4] == b"PNG", repr(content))
        return f"{len(data)} bytes"

    async def refuse():
        refused = []
        for one in OFFER["refused"]:
            try:
                result = await client.call_tool(one["tool"], one["arguments"])
            except MCPError as error:
                code = error.error.code
                expect(one["answered"] is None and one["code"] in (None, code), f"{one['tool']} was refused with {error!r}")
                refused.append(str(code))
                continue
            expect(result.is_error and one["code"] is None, f"{one['tool']} was not refused: {result.content}")
            text = said(result.content)
            expect(all(part in text for part in one["answered"] or []), f"{one['tool']} answered {result.content}")
            refused.append("isError")
        return ", ".join(refused)

    async def read():
        contents = (await client.read_resource(OFFER["resource"]["uri"])).contents
        expect(len(contents) == 1 and str(contents[0].uri) == OFFER["resource"]["uri"], repr(contents))
        expect(fits(contents[0].text, OFFER["resource"]["text"]), repr(contents))
        return contents[0].mime_type

    async def prompt():
        wanted = OFFER["prompt"]
        messages = (await client.get_prompt(wanted["name"], wanted["arguments"])).messages
        expect(len(messages) == 1 and messages[0].role == "user", repr(messages))
        expect(fits(messages[0].content.text, wanted["text"]), repr(messages))
        return f"{len(messages)} messages"

    await check("connect", connect)
    await check("list", listing)
    await check("call", call)
    if OFFER["progress"]:
        await check("progress", progress)
    if OFFER["picture"]:
        await check("picture", picture)
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
