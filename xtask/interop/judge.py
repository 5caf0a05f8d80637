"""The Python package of OpenAI as the judge of the tools that our program makes of those of a server.

    python judge.py PROGRAM ERA OFFER stdio COMMAND [ARGUMENT...]

OFFER is the JSON that `xtask/src/interop/offer.rs` writes: which tools there must be. Each format is one check.
"""

import asyncio
import json
import subprocess
import sys

from checks import check, expect, expect_tool, report
from openai.types.chat import ChatCompletionFunctionToolParam
from openai.types.responses import FunctionToolParam
from pydantic import TypeAdapter

PROGRAM, ERA, OFFER_TEXT, _, *COMMAND = sys.argv[1:]
OFFER = json.loads(OFFER_TEXT)


def judge(form, tool_type, function_of):
    """Asks for the tools in one format, and lets the package parse each as what a request of it takes."""

    async def body():
        words = [PROGRAM, "tools", "--format", form, "--json", "--era", ERA, "--", *COMMAND]
        run = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=40)
        expect(run.returncode == 0, run.stderr)
        tools = json.loads(run.stdout)
        for tool in tools:
            parsed = TypeAdapter(tool_type).validate_python(tool, strict=True)
            # What the type does not know is left out of what was parsed.
            expect(parsed == tool, f"{tool} was parsed as {parsed}")
        functions = [function_of(tool) for tool in tools]
        for wanted in OFFER["tools"]:
            listed = [{"name": function["name"], "inputSchema": function["parameters"]} for function in functions]
            expect_tool(listed, wanted)
        return f"{len(tools)} tools"

    return body


async def main():
    await check("openai", judge("openai", ChatCompletionFunctionToolParam, lambda tool: tool["function"]))
    await check("responses", judge("responses", FunctionToolParam, lambda tool: tool))
    report("close", True, "")


asyncio.run(main())
