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


def asks(*options, first_refusal=False):
    """Lets the program ask the model that follows the script."""

    async def body():
        with Model(SCRIPT, first_refusal=first_refusal) as model:
            words = [PROGRAM, "ask", "embedded", "--model", "m", "--base-url", model.url, "--api", API]
            run = subprocess.run(
                [*words, "--era", ERA, *options, "How much is 2 + 40?"],
                env={**os.environ, "OPENAI_API_KEY": "sk-judge", "NO_PROXY": "*"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=40,
            )
            expect(not model.faults, "\n".join(model.faults))
            expect(run.returncode == 0, f"it ended with {run.returncode}: {run.stderr}")
            expect(run.stdout.strip() == ANSWER, f"it printed {run.stdout!r}")
            expect("sk-judge" not in run.stdout + run.stderr, "it printed the key")
            expect(len(model.requests) == len(SCRIPT), f"{len(model.requests)} requests")
            is_streamed = "--stream" in options
            streamed = [bool(request.get("stream")) for request in model.requests]
            expect(streamed == [is_streamed] * len(SCRIPT), f"asked for streams: {streamed}")
            told = model.told()
            expect(len(told) == len(RIGHT + WRONG), f"the model was told {told}")
            for said, parts in zip(told, RIGHT + WRONG):
                text = said if isinstance(said, str) else json.dumps(said, ensure_ascii=False)
                expect(all(part in text for part in parts), f"told {text!r}, which lacks one of {parts}")
            for request in model.requests:
                print(json.dumps({"record": f"{API} request", "value": request}), flush=True)
            return f"{len(model.requests)} requests, {len(told)} answers of tools"

    return body


async def main():
    await check("whole", asks("--no-stream"))
    await check("stream", asks("--stream"))
    await check("retry", asks("--no-stream", first_refusal=True))
    report("close", True, "")


asyncio.run(main())
