"""The Python package of OpenAI as the judge of the hostile tools: its types read what our program makes of them.

    python corpus.py PROGRAM ERA OFFER file CORPUS

Each list that is made is printed as a record, which the harness holds against the rules that types cannot say.
"""

import asyncio
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from checks import check, expect, report
from openai.types.chat import ChatCompletionFunctionToolParam
from openai.types.responses import FunctionToolParam
from pydantic import TypeAdapter

PROGRAM, _, _, _, CORPUS = sys.argv[1:]
# How many tools a request may have.
LIMIT = 128


def tools_of(case):
    """The tools that a case stands for."""
    text = json.dumps(case["tool"])
    return [json.loads(text.replace("{n}", str(number))) for number in range(case.get("repeat", 1))]


def convert(tools, form, *options):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tools.json"
        path.write_text(json.dumps(tools))
        words = [PROGRAM, "tools", str(path), "--format", form, "--json", *options]
        run = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=40)
    expect(run.returncode == 0, f"`{' '.join(words)}` ended with {run.returncode}: {run.stderr[:2000]}")
    return json.loads(run.stdout)


def judged(made, form):
    tool_type = ChatCompletionFunctionToolParam if form == "openai" else FunctionToolParam
    for tool in made:
        parsed = TypeAdapter(tool_type).validate_python(tool, strict=True)
        expect(parsed == tool, f"{tool} was parsed as {parsed}")
    kind = "chat tools" if form == "openai" else "responses tools"
    print(json.dumps({"record": kind, "value": made}), flush=True)
    functions = [tool.get("function", tool) for tool in made]
    return sum(1 for function in functions if function["strict"])


def converts(cases, form, *options):
    """Converts the cases in lists of at most so many that none is left out by choice, so that a lost tool is seen."""

    async def body():
        count, lost, strict = 0, 0, 0
        for start in range(0, len(cases), 100):
            part = cases[start : start + 100]
            made = convert([case["tool"] for case in part], form, *options)
            strict += judged(made, form)
            hopeless = sum(1 for case in part if "hopeless" in case)
            expect(len(part) - hopeless <= len(made) <= len(part), f"{len(made)} of {len(part)} tools were made")
            count, lost = count + len(made), lost + len(part) - len(made)
        # A mode that does nothing would pass every other check.
        expect((strict > 5) == bool(options), f"{strict} strict tools with {options}")
        return f"{count} tools, {lost} quarantined, {strict} strict"

    return body


def selects(tools, form):
    async def body():
        made = convert(tools, form)
        judged(made, form)
        expect(0 < len(made) <= LIMIT, f"{len(made)} of {len(tools)} tools were made")
        return f"{len(made)} of {len(tools)} tools"

    return body


async def main():
    corpus = json.loads(Path(CORPUS).read_text())
    single = [case for case in corpus if "repeat" not in case]
    every = [tool for case in corpus for tool in tools_of(case)]
    for form in ["openai", "responses"]:
        await check(form, converts(single, form))
        await check(f"{form} strict", converts(single, form, "--strict", "auto"))
        await check(f"{form} many", selects(every, form))
    report("close", True, "")


asyncio.run(main())
