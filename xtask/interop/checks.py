"""What a client of either Python SDK checks, in the order of the lines it prints.

Each check prints one line of JSON, `{"check","ok","detail"}`. The exit code is 0 when every check ran, also when some
are red: the harness reads the lines. Results are judged as the JSON that they were, since the names of the two SDKs
differ.
"""

import base64
import json
import re
import traceback


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
    return "\n".join(block["text"] for block in content if block["type"] == "text")


def fits(text, wanted):
    if "like" in wanted:
        return re.sub(r"\d", "0", text) == wanted["like"]
    return text == wanted["is"] if "is" in wanted else all(part in text for part in wanted["holds"])


def expect_tool(tools, wanted):
    names = [tool["name"] for tool in tools]
    expect(wanted["name"] in names, f"tools/list has no {wanted['name']}: {names}")
    schema = tools[names.index(wanted["name"])]["inputSchema"]
    expect(schema["type"] == "object", f"the schema of {wanted['name']} is no object")
    takes = {name: property.get("type") for name, property in schema.get("properties", {}).items()}
    expect(takes == wanted["takes"], f"{wanted['name']} takes {schema}")
    expect(sorted(schema.get("required", [])) == sorted(wanted["required"]), f"{wanted['name']} requires {schema}")


async def run_checks(client, offer, version, refusal):
    """Runs every check but `close`; `refusal` is what the SDK raises when a server answers with an error."""

    async def ask(method, *arguments, **options):
        result = await getattr(client, method)(*arguments, **options)
        return result.model_dump(mode="json", by_alias=True)

    async def call_and_expect(one, **options):
        result = await ask("call_tool", one["tool"], one["arguments"], **options)
        expect(not result["isError"], f"{one['tool']} failed: {result['content']}")
        expect(fits(said(result["content"]), one["answer"]), f"{one['tool']} answered {result['content']}")

    async def connect():
        expect(version == offer["version"], f"negotiated {version}, expected {offer['version']}")
        return version

    async def listing():
        tools = (await ask("list_tools"))["tools"]
        for wanted in offer["tools"]:
            expect_tool(tools, wanted)
        if offer["resource"]:
            uris = [resource["uri"] for resource in (await ask("list_resources"))["resources"]]
            expect(offer["resource"]["uri"] in uris, f"resources/list has only {uris}")
        if offer["prompt"]:
            prompts = [prompt["name"] for prompt in (await ask("list_prompts"))["prompts"]]
            expect(offer["prompt"]["name"] in prompts, f"prompts/list has only {prompts}")
        return f"{len(tools)} tools"

    async def call():
        for one in offer["calls"]:
            await call_and_expect(one)
        return f"{len(offer['calls'])} calls"

    async def progress():
        told = []

        async def tell(progress, total, message):
            told.append((progress, total))

        steps = offer["progress"]["steps"]
        await call_and_expect(offer["progress"]["call"], progress_callback=tell)
        expect(told == [(step, steps) for step in range(1, steps + 1)], f"told {told}")
        return f"{len(told)} times"

    async def picture():
        content = (await ask("call_tool", offer["picture"], {}))["content"]
        pictures = [block for block in content if block["type"] == "image"]
        expect(pictures and pictures[0]["mimeType"] == "image/png", repr(content))
        data = base64.b64decode(pictures[0]["data"], validate=True)
        expect(data[1:4] == b"PNG", repr(content))
        return f"{len(data)} bytes"

    async def refuse():
        refused = []
        for one in offer["refused"]:
            try:
                result = await ask("call_tool", one["tool"], one["arguments"])
            except refusal as error:
                code = error.error.code
                is_refused = one["answered"] is None and one["code"] in (None, code)
                expect(is_refused, f"{one['tool']} was refused with {error!r}")
                refused.append(str(code))
                continue
            is_refused = result["isError"] and one["code"] is None
            expect(is_refused, f"{one['tool']} was not refused: {result['content']}")
            text = said(result["content"])
            expect(all(part in text for part in one["answered"] or []), f"{one['tool']} answered {result['content']}")
            refused.append("isError")
        return ", ".join(refused)

    async def read():
        contents = (await ask("read_resource", offer["resource"]["uri"]))["contents"]
        expect(len(contents) == 1 and contents[0]["uri"] == offer["resource"]["uri"], repr(contents))
        expect(fits(contents[0]["text"], offer["resource"]["text"]), repr(contents))
        return contents[0]["mimeType"]

    async def prompt():
        wanted = offer["prompt"]
        messages = (await ask("get_prompt", wanted["name"], wanted["arguments"]))["messages"]
        expect(len(messages) == 1 and messages[0]["role"] == "user", repr(messages))
        expect(fits(messages[0]["content"]["text"], wanted["text"]), repr(messages))
        return f"{len(messages)} messages"

    await check("connect", connect)
    await check("list", listing)
    await check("call", call)
    if offer["progress"]:
        await check("progress", progress)
    if offer["picture"]:
        await check("picture", picture)
    await check("refuse", refuse)
    if offer["resource"]:
        await check("read", read)
    if offer["prompt"]:
        await check("prompt", prompt)
