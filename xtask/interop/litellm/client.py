"""LiteLLM's client of MCP, by the calls that the first seed shows, under the names that they have today.

    python client.py auto OFFER http URL
    python client.py auto OFFER sse URL

OFFER is the JSON that `xtask/src/interop/offer.rs` writes: what the server must have.
"""

import asyncio
import json
import os
import sys
from pathlib import Path

# Else it asks the network for prices while it is imported.
os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"

from litellm.mcp_client.client import MCPClient
from litellm.mcp_client.tools import call_openai_tool, load_mcp_tools
from mcp.types import CallToolRequestParams
from openai.types.chat import ChatCompletionFunctionToolParam
from pydantic import TypeAdapter

sys.path.append(str(Path(__file__).parent.parent))
from checks import check, expect, expect_tool, fits, report, said

_, OFFER_TEXT, KIND, URL = sys.argv[1:]
OFFER = json.loads(OFFER_TEXT)


def text_of(result):
    return said([block.model_dump(mode="json") for block in result.content])


async def main():
    client = MCPClient(server_url=URL, transport_type=KIND, timeout=20.0)

    async def listing():
        # Without the second argument an error is an empty list.
        tools = await client.list_tools(raise_on_error=True)
        listed = [tool.model_dump(mode="json", by_alias=True) for tool in tools]
        for wanted in OFFER["tools"]:
            expect_tool(listed, wanted)
        return f"{len(tools)} tools"

    async def load():
        tools = await client.run_with_session(lambda session: load_mcp_tools(session, format="openai"))
        for tool in tools:
            TypeAdapter(ChatCompletionFunctionToolParam).validate_python(tool, strict=True)
        functions = [tool["function"] for tool in tools]
        for wanted in OFFER["tools"]:
            expect_tool([{"name": one["name"], "inputSchema": one["parameters"]} for one in functions], wanted)
        return f"{len(tools)} functions"

    async def call():
        for one in OFFER["calls"]:
            result = await client.call_tool(CallToolRequestParams(name=one["tool"], arguments=one["arguments"]))
            text = text_of(result)
            expect(not result.is_error and fits(text, one["answer"]), f"{one['tool']} answered {text!r}")
        return f"{len(OFFER['calls'])} calls"

    async def call_function():
        for one in OFFER["calls"]:
            function = {"name": one["tool"], "arguments": json.dumps(one["arguments"])}
            asked = {"id": "call_1", "type": "function", "function": function}
            result = await client.run_with_session(lambda session: call_openai_tool(session, asked))
            text = text_of(result)
            expect(not result.is_error and fits(text, one["answer"]), f"{one['tool']} answered {text!r}")
        return f"{len(OFFER['calls'])} calls"

    async def refuse():
        refused = [one for one in OFFER["refused"] if one["answered"] is not None]
        for one in refused:
            result = await client.call_tool(CallToolRequestParams(name=one["tool"], arguments=one["arguments"]))
            text = text_of(result)
            is_told = result.is_error and all(part in text for part in one["answered"])
            expect(is_told, f"{one['tool']} answered {text!r}")
        return f"{len(refused)} refusals"

    await check("list", listing)
    await check("load_mcp_tools", load)
    await check("call", call)
    await check("call_openai_tool", call_function)
    await check("refuse", refuse)
    report("close", True, "")


asyncio.run(main())
