"""The flow of the second seed: LangChain's adapters load the tools of a session, and an agent would call them.

    python langchain.py legacy OFFER sse URL
    python langchain.py legacy OFFER http URL

OFFER is the JSON that `xtask/src/interop/offer.rs` writes: what the server must have. The one thing that is left out of
the flow is the model: the tools are invoked as its agent invokes them, by a call that a model has made.
"""

import asyncio
import json
import sys
from pathlib import Path

from langchain_mcp_adapters.tools import load_mcp_tools
from mcp import ClientSession
from mcp.client.sse import sse_client
from mcp.client.streamable_http import streamable_http_client

sys.path.append(str(Path(__file__).parent.parent))
from checks import check, expect, expect_tool, fits, report, said

_, OFFER_TEXT, KIND, URL = sys.argv[1:]
OFFER = json.loads(OFFER_TEXT)


async def run_checks(session):
    tools = []

    async def connect():
        version = (await session.initialize()).protocolVersion
        expect(version == OFFER["version"], f"negotiated {version}, expected {OFFER['version']}")
        return version

    async def load():
        tools.extend(await load_mcp_tools(session))
        listed = [{"name": tool.name, "inputSchema": tool.args_schema} for tool in tools]
        for wanted in OFFER["tools"]:
            expect_tool(listed, wanted)
        return f"{len(tools)} tools"

    async def invoke(name, arguments):
        tool = next(tool for tool in tools if tool.name == name)
        call = {"type": "tool_call", "id": "call_1", "name": name, "args": arguments}
        message = await tool.ainvoke(call)
        expect(message.tool_call_id == "call_1", repr(message))
        content = message.content
        text = content if isinstance(content, str) else said(content)
        return message.status, text

    async def call():
        for one in OFFER["calls"]:
            status, text = await invoke(one["tool"], one["arguments"])
            expect(status == "success" and fits(text, one["answer"]), f"{one['tool']}: {status} {text!r}")
        return f"{len(OFFER['calls'])} calls"

    async def refuse():
        refused = [one for one in OFFER["refused"] if one["answered"] is not None]
        for one in refused:
            status, text = await invoke(one["tool"], one["arguments"])
            is_told = status == "error" and all(part in text for part in one["answered"])
            expect(is_told, f"{one['tool']}: {status} {text!r}")
        return f"{len(refused)} refusals"

    await check("connect", connect)
    await check("load_mcp_tools", load)
    await check("ainvoke", call)
    await check("refuse", refuse)


async def main():
    transport = sse_client(url=URL) if KIND == "sse" else streamable_http_client(URL)
    async with transport as (read, write, *_):
        async with ClientSession(read, write) as session:
            await run_checks(session)
    report("close", True, "")


asyncio.run(main())
