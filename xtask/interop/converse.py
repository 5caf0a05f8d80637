"""A model that calls every hostile tool with every set of arguments, through our program and back: what the schema of
the server allows must reach it as it is, and what it forbids must not.

    python converse.py PROGRAM ERA OFFER chat CORPUS
    python converse.py PROGRAM ERA OFFER responses CORPUS

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

PROGRAM, ERA, _, API, CORPUS = sys.argv[1:]
# So many tools at a time that none is left out by choice.
PART = 60
# How many calls the model makes at once.
CALLS = 40
ANSWER = "That was all."


def calls_of(cases):
    """Each call, and whether it must reach the server; nobody knows it of what a broken schema forbids."""
    for case in cases:
        for arguments in case["valid"]:
            yield case, arguments, True
        for arguments in [] if "broken" in case else case["invalid"]:
            yield case, arguments, False


def same(one, other):
    """Whether two values are one in JSON, where 1 and true are two."""
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)


def echo(text):
    try:
        return json.loads(text) if isinstance(text, str) else None
    except ValueError:
        return None


def faults(calls, told):
    for (case, arguments, is_valid), text in zip(calls, told):
        came = echo(text)
        has_come = isinstance(came, dict) and "ids" in came
        what = f"{case['id']} with {json.dumps(arguments)[:200]}"
        if has_come and case["id"] not in came["ids"]:
            yield f"{what} reached the tool of {came['ids']}"
        elif is_valid and "hopeless" not in case and not (has_come and same(came["arguments"], arguments)):
            yield f"{what} did not reach the tool as it is: {text[:500]}"
        elif has_come and not is_valid:
            yield f"{what} reached the tool"


def converses(first, cases):
    async def body():
        calls = list(calls_of(cases))
        turns = [calls[start : start + CALLS] for start in range(0, len(calls), CALLS)]
        script = [[(f"[[{case['id']}]]", json.dumps(arguments)) for case, arguments, _ in turn] for turn in turns]
        with Model([*script, ANSWER]) as model:
            words = [PROGRAM, "ask", "--model", "m", "--base-url", model.url, "--api", API, "--max-rounds", "50"]
            server = [sys.executable, "-B", str(Path(__file__).parent / "hostile.py"), CORPUS, str(first), str(PART)]
            run = subprocess.run(
                [*words, "--era", "legacy", "Call everything.", "--", *server],
                env={**os.environ, "OPENAI_API_KEY": "sk-judge", "NO_PROXY": "*"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=50,
            )
            expect(not model.faults, "\n".join(model.faults)[:3000])
            expect(run.returncode == 0, f"it ended with {run.returncode}: {run.stderr[:3000]}")
            expect(run.stdout.strip() == ANSWER, f"it printed {run.stdout!r}")
            told = model.told()
            expect(len(told) == len(calls), f"{len(told)} answers to {len(calls)} calls")
            print(json.dumps({"record": f"{API} request", "value": model.requests[-1]}), flush=True)
            wrong = list(faults(calls, told))
            expect(not wrong, "\n".join(wrong)[:6000])
            valid = sum(1 for _, _, is_valid in calls if is_valid)
            return f"{valid} calls came as they are, {len(calls) - valid} were kept back"

    return body


async def main():
    corpus = json.loads(Path(CORPUS).read_text())
    cases = [case for case in corpus if "repeat" not in case]
    for first in range(0, len(cases), PART):
        await check(f"tools {first}", converses(first, cases[first : first + PART]))
    report("close", True, "")


asyncio.run(main())
