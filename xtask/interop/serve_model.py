"""The Python package of OpenAI as the client of the gateway, which has a model that follows a script behind it: the
types of the package read everything on both sides.

    python serve_model.py PROGRAM ERA OFFER chat SEED
    python serve_model.py PROGRAM ERA OFFER responses SEED

SEED is the folder with the configuration of the second seed; the one thing added to it is where the model is. Every
request that reaches the model is printed as a record, which the harness holds against the rules that types cannot say.
"""

import asyncio
import json
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
from contextlib import contextmanager
from pathlib import Path

import openai
from checks import check, expect, report
from model import EVENT, USAGE, Model
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response
from pydantic import BaseModel

PROGRAM, ERA, OFFER_TEXT, API, SEED = sys.argv[1:]
QUESTION = "What time is it?"
ANSWER = "It is time for tea. 🫖"
TOOLS = {"type": "mcp", "server_label": "time", "server_url": "litellm_proxy", "require_approval": "never"}
NOW = ("get_current_time", '{"format": "short"}')
# Two rounds, of which the second has two calls at once.
SCRIPT = [[NOW], [NOW, ("get_current_time", "{}")], ANSWER]
OWN = ("own_function", '{"a": 1}')
OWN_PARAMETERS = {"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]}


@contextmanager
def gateway(script, key=None):
    """A model, the gateway before it, and a client before that, which has another key than that of the file."""
    with tempfile.TemporaryDirectory() as folder, Model(script) as model:
        shutil.copy(Path(SEED) / "mcp_tools.py", folder)
        text = (Path(SEED) / "config.yaml").read_text()
        place = "      api_key: sk-xxxxxxx\n"
        expect(place in text, "the configuration has no key to put the place of the model behind")
        text = text.replace(place, f"{place}      api_base: {model.url}\n")
        if key:
            text += f"general_settings:\n  master_key: {key}\n"
        (Path(folder) / "config.yaml").write_text(text)
        words = [PROGRAM, "--config", "config.yaml", "--port", "0"]
        pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
        process = subprocess.Popen(words, cwd=folder, **pipes)
        lines = []
        try:
            for line in process.stdout:
                lines.append(line)
                if found := re.search(r"http://127\.0\.0\.1:\d+", line):
                    break
            else:
                raise RuntimeError(f"it ended: {''.join(lines)}")
            # What it says later must not fill the pipe.
            threading.Thread(target=lines.extend, args=[process.stdout], daemon=True).start()
            base_url = f"{found[0]}/v1"
            with openai.OpenAI(api_key="sk-client", base_url=base_url, max_retries=0, timeout=20) as client:
                yield model, client
            expect(not model.faults, "\n".join(model.faults))
            said = "".join(lines)
            expect(not any(secret in said for secret in ["sk-client", "sk-xxxx", "sk-gateway"]), "it printed a key")
            for request in model.requests:
                print(json.dumps({"record": f"{API} request", "value": request}), flush=True)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(timeout=10)


def extras(value):
    """What a type of the package does not know, at any depth."""
    if isinstance(value, BaseModel):
        for key in value.model_extra or {}:
            yield f"{type(value).__name__}.{key}"
        for name in type(value).model_fields:
            yield from extras(getattr(value, name))
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from extras(one)


def known(parsed):
    unknown = list(extras(parsed))
    expect(not unknown, f"{parsed} has what the types do not know: {unknown}")
    return parsed


def events_of(response):
    """The documents of a stream, and whether it ended as it must."""
    documents, ends = [], 0
    for line in response.iter_lines():
        if line.startswith("data: "):
            if line == "data: [DONE]":
                ends += 1
            else:
                expect(ends == 0, "something follows the end of the stream")
                documents.append(json.loads(line[len("data: ") :]))
    return documents, ends


def expect_times(told, count):
    """Each call was answered with a time."""
    times = [one for one in told if isinstance(one, str) and re.fullmatch(r"\d\d:\d\d", one)]
    expect(len(told) == count and len(times) == count, f"the model was told {told}")


# Chat Completions


def chat_request(**more):
    messages = [{"role": "user", "content": QUESTION}]
    return {"model": "gpt-4o", "messages": messages, "tools": [TOOLS], **more}


async def chat_whole():
    with gateway(SCRIPT) as (model, client):
        raw = client.chat.completions.with_raw_response.create(**chat_request())
        whole = known(ChatCompletion.model_validate_json(raw.text))
        [choice] = whole.choices
        is_it = choice.message.content == ANSWER and choice.finish_reason == "stop" and not choice.message.tool_calls
        expect(is_it, repr(choice))
        expect(whole.usage.total_tokens == USAGE["total_tokens"] * len(SCRIPT), repr(whole.usage))
        expect_times(model.told(), 3)
        return f"{len(model.requests)} rounds"


async def chat_stream():
    with gateway(SCRIPT) as (model, client):
        options = {"stream": True, "stream_options": {"include_usage": True}}
        with client.chat.completions.with_streaming_response.create(**chat_request(**options)) as response:
            documents, ends = events_of(response)
        chunks = [known(ChatCompletionChunk.model_validate(document)) for document in documents]
        expect(ends == 1, f"{ends} ends of the stream")
        expect(len({chunk.id for chunk in chunks}) == 1, "more than one id")
        choices = [choice for chunk in chunks for choice in chunk.choices]
        reasons = [choice.finish_reason for choice in choices if choice.finish_reason]
        expect(reasons == ["stop"], f"finished by {reasons}")
        roles = [choice.delta.role for choice in choices if choice.delta.role]
        expect(roles == ["assistant"], f"roles {roles}")
        expect(not any(choice.delta.tool_calls for choice in choices), "a call of the gateway's own is in the stream")
        text = "".join(choice.delta.content or "" for choice in choices)
        expect(text == ANSWER, repr(text))
        usage = [chunk.usage.total_tokens for chunk in chunks if chunk.usage]
        expect(usage == [USAGE["total_tokens"] * len(SCRIPT)], f"usage {usage}")
        expect_times(model.told(), 3)
        return f"{len(chunks)} chunks, one message"


async def chat_accumulated():
    """The accumulator of the package, which is stricter than its types."""
    with gateway(SCRIPT) as (_, client):
        with client.chat.completions.stream(**chat_request()) as stream:
            final = stream.get_final_completion()
        expect(final.choices[0].message.content == ANSWER, repr(final))
        return "one message"


async def chat_mixed():
    """A function of the client beside the tools of the gateway: each side runs its own."""
    with gateway([[NOW, OWN], ANSWER]) as (model, client):
        request = chat_request()
        function = {"name": OWN[0], "parameters": OWN_PARAMETERS}
        request["tools"] = [TOOLS, {"type": "function", "function": function}]
        raw = client.chat.completions.with_raw_response.create(**request)
        [choice] = known(ChatCompletion.model_validate_json(raw.text)).choices
        calls = [(call.function.name, json.loads(call.function.arguments)) for call in choice.message.tool_calls or []]
        expect(calls == [(OWN[0], {"a": 1})] and choice.finish_reason == "tool_calls", repr(choice))
        [call] = choice.message.tool_calls
        answer = {"role": "tool", "tool_call_id": call.id, "content": "the client's own"}
        request["messages"] += [choice.message.model_dump(exclude_unset=True), answer]
        whole = client.chat.completions.create(**request)
        expect(whole.choices[0].message.content == ANSWER, repr(whole))
        expect("the client's own" in model.told(), f"the model was told {model.told()}")
        return "the client's call was handed back, and its answer taken"


async def chat_mixed_stream():
    """The client's own call comes as the first of its message, though the model made it second."""
    with gateway([[NOW, OWN, OWN], ANSWER]) as (model, client):
        function = {"type": "function", "function": {"name": OWN[0], "parameters": OWN_PARAMETERS}}
        request = {**chat_request(stream=True), "tools": [TOOLS, function]}
        with client.chat.completions.with_streaming_response.create(**request) as response:
            documents, _ = events_of(response)
        chunks = [known(ChatCompletionChunk.model_validate(document)) for document in documents]
        choices = [choice for chunk in chunks for choice in chunk.choices]
        deltas = [delta for choice in choices for delta in choice.delta.tool_calls or []]
        arguments = {}
        for delta in deltas:
            arguments[delta.index] = arguments.get(delta.index, "") + (delta.function.arguments or "")
        expect(arguments == {0: OWN[1], 1: OWN[1]}, repr(deltas))
        named = [(delta.index, delta.function.name) for delta in deltas if delta.function.name]
        expect(named == [(0, OWN[0]), (1, OWN[0])], repr(deltas))
        expect(len({delta.id for delta in deltas if delta.id}) == 2, repr(deltas))
        reasons = [choice.finish_reason for choice in choices if choice.finish_reason]
        expect(reasons == ["tool_calls"], f"finished by {reasons}")
        return "two calls of the client's own"


def refused(body, kind, *, status):
    """The gateway refuses in the form of the API, so that the client raises its own error."""
    try:
        body()
    except openai.APIStatusError as error:
        is_it = isinstance(error, kind) and error.status_code == status and isinstance(error.body, dict)
        expect(is_it and error.body.get("message"), f"{error!r} with {error.body!r}")
        return error
    raise RuntimeError("nothing was refused")


def refuses(create, request):
    async def body():
        with gateway([400]) as (model, client):
            error = refused(lambda: create(client)(**request()), openai.BadRequestError, status=400)
            expect("not today" in str(error), f"the reason of the model is not in {error}")
            refused(lambda: create(client)(**request(model="nobody")), openai.NotFoundError, status=404)
            refused(lambda: create(client)(**request(tools=[{"type": "mcp"}])), openai.BadRequestError, status=400)
            wrong = {**TOOLS, "server_url": "litellm_proxy/mcp/nowhere"}
            refused(lambda: create(client)(**request(tools=[wrong])), openai.BadRequestError, status=400)
        with gateway([401]) as (model, client):
            # The key of the file is wrong, which is no fault of the client's key, so that the text says whose it is.
            error = refused(lambda: create(client)(**request()), openai.AuthenticationError, status=401)
            expect("provider" in str(error), str(error))
        return "5 refusals in the form of the API"

    return body


async def key():
    """With a key in the file nobody gets in without it."""
    with gateway([ANSWER], "sk-gateway") as (model, client):
        refused(lambda: client.models.list(), openai.AuthenticationError, status=401)
        refused(lambda: client.chat.completions.create(**chat_request()), openai.AuthenticationError, status=401)
        expect(not model.requests, "the model was asked")
        whole = client.with_options(api_key="sk-gateway").chat.completions.create(**chat_request())
        expect(whole.choices[0].message.content == ANSWER, repr(whole))
        return "2 refusals, 1 answer"


async def models():
    with gateway([ANSWER]) as (_, client):
        names = [one.id for one in client.models.list()]
        expect(names == ["gpt-4o"], f"models {names}")
        return "gpt-4o"


async def chat_filter():
    """Only the tools that the request allows are shown to the model."""
    with gateway([ANSWER]) as (model, client):
        request = {**chat_request(), "tools": [{**TOOLS, "allowed_tools": []}]}
        client.chat.completions.create(**request)
        names = [tool["function"]["name"] for tool in model.requests[0].get("tools", [])]
        expect(names == [], f"the model saw {names}")
        return "none allowed, none shown"


async def chat_wrong():
    """What a model gets wrong comes back to it as an answer, and the turn goes on."""
    wrong = [("get_current_time", '{"format": '), ("get_current_time", '{"format": "tiny"}'), ("nowhere", "{}")]
    with gateway([wrong, ANSWER]) as (model, client):
        whole = client.chat.completions.create(**chat_request())
        expect(whole.choices[0].message.content == ANSWER, repr(whole))
        told = model.told()
        parts = ["JSON", "tiny", "nowhere"]
        is_told = len(told) == len(parts) and all(part in text for part, text in zip(parts, told))
        expect(is_told, f"the model was told {told}")
        return f"{len(told)} faults told"


async def chat_plain():
    """Without tools of the gateway a request is passed on as it is."""
    with gateway([[OWN], ANSWER]) as (model, client):
        function = {"type": "function", "function": {"name": OWN[0], "parameters": OWN_PARAMETERS}}
        whole = client.chat.completions.create(**{**chat_request(), "tools": [function]})
        expect(whole.choices[0].message.tool_calls[0].function.name == OWN[0], repr(whole))
        expect(model.requests[0]["tools"] == [function], repr(model.requests))
        return "passed on"


# Responses


def responses_request(**more):
    return {"model": "gpt-4o", "input": QUESTION, "tools": [TOOLS], **more}


def expect_items(response, count):
    """The items that say what was done in between, and the answer."""
    kinds = [item.type for item in response.output]
    expect(kinds.count("mcp_list_tools") == 1, f"items {kinds}")
    calls = [item for item in response.output if item.type == "mcp_call"]
    expect(len(calls) == count, f"items {kinds}")
    for call in calls:
        is_done = call.status == "completed" and call.error is None and re.fullmatch(r"\d\d:\d\d", call.output or "")
        expect(is_done and call.server_label == "time" and call.name == NOW[0], repr(call))
    expect("function_call" not in kinds, f"items {kinds}")
    expect(response.output_text == ANSWER and response.status == "completed", repr(response))
    expect(response.usage.total_tokens == USAGE["total_tokens"] * len(SCRIPT), repr(response.usage))


async def responses_whole():
    with gateway(SCRIPT) as (model, client):
        raw = client.responses.with_raw_response.create(**responses_request())
        expect_items(known(Response.model_validate_json(raw.text)), 3)
        expect_times(model.told(), 3)
        return f"{len(model.requests)} rounds"


async def responses_stream():
    with gateway(SCRIPT) as (model, client):
        with client.responses.with_streaming_response.create(**responses_request(stream=True)) as response:
            documents, _ = events_of(response)
        events = [known(EVENT.validate_python(document)) for document in documents]
        numbers = [event.sequence_number for event in events]
        expect(numbers == list(range(len(events))), f"numbers {numbers}")
        kinds = [event.type for event in events]
        for kind in ["response.created", "response.completed"]:
            expect(kinds.count(kind) == 1, f"{kinds.count(kind)} {kind}")
        expect(kinds[0] == "response.created" and kinds[-1] == "response.completed", f"events {kinds}")
        expect("response.function_call_arguments.delta" not in kinds, "a call of the gateway's own is in the stream")
        expect(kinds.count("response.mcp_call.completed") == 3, f"events {kinds}")
        added = [event.output_index for event in events if event.type == "response.output_item.added"]
        expect(added == list(range(len(added))), f"items were added at {added}")
        text = "".join(event.delta for event in events if event.type == "response.output_text.delta")
        expect(text == ANSWER, repr(text))
        expect(events[0].response.id == events[-1].response.id, "two ids")
        expect_items(events[-1].response, 3)
        expect_times(model.told(), 3)
        return f"{len(events)} events, one response"


async def responses_accumulated():
    with gateway(SCRIPT) as (_, client):
        with client.responses.stream(**responses_request()) as stream:
            final = stream.get_final_response()
        expect(final.output_text == ANSWER, repr(final))
        return "one response"


async def responses_mixed():
    with gateway([[NOW, OWN], ANSWER]) as (model, client):
        own = {"type": "function", "name": OWN[0], "parameters": OWN_PARAMETERS, "strict": False}
        tools = [TOOLS, own]
        raw = client.responses.with_raw_response.create(**responses_request(tools=tools))
        first = known(Response.model_validate_json(raw.text))
        calls = [item for item in first.output if item.type == "function_call"]
        expect([call.name for call in calls] == [OWN[0]], repr(first.output))
        expect(sum(item.type == "mcp_call" for item in first.output) == 1, repr(first.output))
        asked = [{"role": "user", "content": QUESTION}, *[item.model_dump(exclude_unset=True) for item in first.output]]
        asked.append({"type": "function_call_output", "call_id": calls[0].call_id, "output": "the client's own"})
        whole = client.responses.create(**responses_request(tools=tools, input=asked))
        expect(whole.output_text == ANSWER, repr(whole))
        expect("the client's own" in model.told(), f"the model was told {model.told()}")
        return "the client's call was handed back, and its answer taken"


async def responses_denial():
    with gateway([[NOW], ANSWER]) as (model, client):
        tools = [{**TOOLS, "require_approval": {"always": {"tool_names": [NOW[0]]}}}]
        first = client.responses.create(**responses_request(tools=tools))
        [asked] = [item for item in first.output if item.type == "mcp_approval_request"]
        said = [{"role": "user", "content": QUESTION}, *[item.model_dump(exclude_unset=True) for item in first.output]]
        denied = {"type": "mcp_approval_response", "approval_request_id": asked.id, "approve": False, "reason": "late"}
        whole = client.responses.create(**responses_request(tools=tools, input=[*said, denied]))
        expect(whole.output_text == ANSWER, repr(whole.output))
        told = model.told()
        expect(len(told) == 1 and "denied" in told[0] and "late" in told[0], f"the model was told {told}")
        return "asked, denied, told"


async def responses_again():
    """The list of tools that a client sends back is used again, so that it comes once in a conversation."""
    with gateway(SCRIPT) as (model, client):
        first = client.responses.create(**responses_request())
        said = [{"role": "user", "content": QUESTION}, *[item.model_dump(exclude_unset=True) for item in first.output]]
        asked = [*said, {"role": "user", "content": "And now?"}]
        raw = client.responses.with_raw_response.create(**responses_request(input=asked))
        whole = known(Response.model_validate_json(raw.text))
        kinds = [item.type for item in whole.output]
        expect(kinds == ["message"] and whole.output_text == ANSWER, f"items {kinds}")
        return "the second answer has no list"


async def responses_approval():
    """Nothing runs before its approval, which comes with the next request."""
    with gateway([[NOW], ANSWER]) as (model, client):
        tools = [{**TOOLS, "require_approval": "always"}]
        first = client.responses.create(**responses_request(tools=tools))
        [asked] = [item for item in first.output if item.type == "mcp_approval_request"]
        expect(len(model.requests) == 1 and asked.name == NOW[0] and asked.server_label == "time", repr(first.output))
        said = [{"role": "user", "content": QUESTION}, *[item.model_dump(exclude_unset=True) for item in first.output]]
        said.append({"type": "mcp_approval_response", "approval_request_id": asked.id, "approve": True})
        whole = client.responses.create(**responses_request(tools=tools, input=said))
        expect(whole.output_text == ANSWER, repr(whole.output))
        expect_times(model.told(), 1)
        return "asked, approved, continued"


CHECKS = {
    "chat": {
        "whole": chat_whole,
        "stream": chat_stream,
        "accumulated": chat_accumulated,
        "mixed": chat_mixed,
        "mixed stream": chat_mixed_stream,
        "wrong": chat_wrong,
        "filter": chat_filter,
        "refuse": refuses(lambda client: client.chat.completions.create, chat_request),
        "key": key,
        "models": models,
        "plain": chat_plain,
    },
    "responses": {
        "whole": responses_whole,
        "stream": responses_stream,
        "accumulated": responses_accumulated,
        "mixed": responses_mixed,
        "again": responses_again,
        "approval": responses_approval,
        "denial": responses_denial,
        "refuse": refuses(lambda client: client.responses.create, responses_request),
    },
}


async def main():
    for name, body in CHECKS[API].items():
        await check(name, body)
    report("close", True, "")


asyncio.run(main())
