"""The Python package of OpenAI as the judge of a whole conversation: its types read everything that `ask` sends, and
everything that comes back is made of them.

    python ask.py PROGRAM ERA OFFER chat
    python ask.py PROGRAM ERA OFFER responses

Every request is printed as a record, which the harness holds against the rules that types cannot say.
"""

import asyncio
import json
import os
import subprocess
import sys
from pathlib import Path

from checks import check, expect, report
from model import Model

PROGRAM, ERA, OFFER_TEXT, API = sys.argv[1:]
TEXT = 'Grüße, "🦀"'
ANSWER = "The sum is 42, and the crab 🦀 says hello."
SCRIPT = [
    # Two calls at once.
    [("add", '{"a": 2, "b": 40}'), ("echo", json.dumps({"text": TEXT}))],
    # What models get wrong: text that ends too early, a value of the wrong type, a tool that is not there.
    [("add", '{"a": 2'), ("add", '{"a": "two", "b": 40}'), ("nowhere", "{}")],
    ANSWER,
]
RIGHT = [["42"], [TEXT]]
WRONG = [["JSON"], ["a", "number", "two"], ["nowhere"]]


def ask(model, words):
    options = ["--model", "m", "--base-url", model.url, "--api", API, "--era", ERA]
    return subprocess.run(
        [PROGRAM, "ask", *options, *words],
        env={**os.environ, "OPENAI_API_KEY": "sk-judge", "NO_PROXY": "*"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=40,
    )


def expect_answer(run):
    expect(run.returncode == 0, f"it ended with {run.returncode}: {run.stderr}")
    expect(run.stdout.strip() == ANSWER, f"it printed {run.stdout!r}")
    expect("sk-judge" not in run.stdout + run.stderr, "it printed the key")


def keep(model):
    """Prints the requests of a conversation, and returns them."""
    expect(not model.faults, "\n".join(model.faults))
    for request in model.requests:
        print(json.dumps({"record": f"{API} request", "value": request}), flush=True)
    return model.requests


def asks(*options, first_refusal=False):
    """Lets the program ask the model that follows the script."""

    async def body():
        with Model(SCRIPT, first_refusal=first_refusal) as model:
            expect_answer(ask(model, [*options, "embedded", "How much is 2 + 40?"]))
            expect(len(keep(model)) == len(SCRIPT), f"{len(model.requests)} requests")
            is_streamed = "--stream" in options
            streamed = [bool(request.get("stream")) for request in model.requests]
            expect(streamed == [is_streamed] * len(SCRIPT), f"asked for streams: {streamed}")
            told = model.told()
            expect(len(told) == len(RIGHT + WRONG), f"the model was told {told}")
            for said, parts in zip(told, RIGHT + WRONG):
                text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
                expect(all(part in text for part in parts), f"told {text!r}, which lacks one of {parts}")
            return f"{len(model.requests)} requests, {len(told)} answers of tools"

    return body


async def media():
    """A picture beside a text: it must be where the API takes it, and say which call it belongs to."""
    script = [[("picture", "{}"), ("add", '{"a": 2, "b": 40}')], ANSWER]
    with Model(script) as model:
        server = [sys.executable, "-B", str(Path(__file__).parent / "server.py"), "stdio"]
        expect_answer(ask(model, ["--no-stream", "Show it.", "--", *server]))
        request = keep(model)[-1]
        if API == "chat":
            roles = [message["role"] for message in request["messages"]]
            expect(roles == ["user", "assistant", "tool", "tool", "user"], f"roles {roles}")
            parts = request["messages"][-1]["content"]
            [url] = [part["image_url"]["url"] for part in parts if part["type"] == "image_url"]
            said = " ".join(part["text"] for part in parts if part["type"] == "text")
            expect(request["messages"][2]["tool_call_id"] in said, f"the picture is said to be of {said!r}")
        else:
            outputs = [item["output"] for item in request["input"] if item.get("type") == "function_call_output"]
            [url] = [part["image_url"] for part in outputs[0] if part["type"] == "input_image"]
        expect(url.startswith("data:image/png;base64,iVBORw0KGgo"), url)
        return "one picture"


async def main():
    await check("whole", asks("--no-stream"))
    await check("stream", asks("--stream"))
    await check("media", media)
    await check("retry", asks("--no-stream", first_refusal=True))
    report("close", True, "")


asyncio.run(main())
