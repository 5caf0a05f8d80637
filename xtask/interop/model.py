"""A model that follows a script, behind the API of OpenAI: it holds every request against the types of the package, and
answers in them.

A script is a list of turns. A turn is a list of calls, each a name and its arguments as text, or a text, which ends it.
Which turn is due is read off the request: how many calls of the model stand in it already.
"""

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat.completion_create_params import (
    CompletionCreateParamsNonStreaming,
    CompletionCreateParamsStreaming,
)
from openai.types.responses import Response, ResponseStreamEvent
from openai.types.responses.response_create_params import (
    ResponseCreateParamsNonStreaming,
    ResponseCreateParamsStreaming,
)
from pydantic import TypeAdapter

CHAT_PARAMS = TypeAdapter(CompletionCreateParamsNonStreaming), TypeAdapter(CompletionCreateParamsStreaming)
RESPONSES_PARAMS = TypeAdapter(ResponseCreateParamsNonStreaming), TypeAdapter(ResponseCreateParamsStreaming)
EVENT = TypeAdapter(ResponseStreamEvent)
USAGE = {"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 15}
RESPONSES_USAGE = {
    "input_tokens": 10,
    "input_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 15,
}


def plain(value):
    """What was validated, with its lazy lists walked to their ends."""
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if value is None or isinstance(value, (str, int, float, bool)):
        return value
    return [plain(one) for one in value]


def judged(adapters, body):
    """Raises unless the types take the request, and know all that is in it."""
    adapter = adapters[1] if body.get("stream") else adapters[0]
    parsed = plain(adapter.validate_python(body, strict=True))
    if parsed != body:
        raise ValueError(f"{json.dumps(body)} was parsed as {json.dumps(parsed)}")


def pieces(text):
    """A text in small pieces, at least one."""
    return [text[start : start + 3] for start in range(0, len(text), 3)] or [""]


class Model:
    """A server that lives as long as the block it is made for."""

    def __init__(self, script, *, first_refusal=False):
        # A turn that is a number is a refusal with that status.
        self.script = script
        # Whether the first request is refused, with the time after which to try again.
        self.refusals = 1 if first_refusal else 0
        self.requests = []
        self.faults = []
        self.lock = threading.Lock()

    def __enter__(self):
        model = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                model.answer(self)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/v1"
        return self

    def __exit__(self, *_):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, handler):
        length = int(handler.headers.get("Content-Length", 0))
        text = handler.rfile.read(length)
        with self.lock:
            if self.refusals:
                self.refusals -= 1
                refusal = {"error": {"message": "slow down", "type": "requests", "param": None, "code": "rate_limit"}}
                return self.say(handler, 429, json.dumps(refusal), {"Retry-After": "0", "retry-after-ms": "10"})
        api = {"/v1/chat/completions": Chat, "/v1/responses": Responses}.get(handler.path.split("?")[0])
        try:
            if api is None:
                raise ValueError(f"there is no {handler.path}")
            if not handler.headers.get("Authorization", "").startswith("Bearer "):
                raise ValueError("the request has no key")
            body = json.loads(text)
            judged(api.params, body)
            with self.lock:
                self.requests.append(body)
            turn = self.due(api.calls_in(body))
            if isinstance(turn, int):
                refusal = {"message": "not today", "type": "invalid_request_error", "param": "input", "code": "no"}
                return self.say(handler, turn, json.dumps({"error": refusal}), {"Retry-After": "7"})
        except Exception as error:
            self.faults.append(f"{handler.path}: {error!r}: {text[:2000]}")
            refusal = {"error": {"message": str(error), "type": "invalid_request_error", "param": None, "code": None}}
            return self.say(handler, 400, json.dumps(refusal), {})
        number = len(self.requests)
        if body.get("stream"):
            return self.stream(handler, api.chunks(body, turn, number))
        return self.say(handler, 200, api.whole(body, turn, number).model_dump_json(exclude_unset=True), {})

    def due(self, calls):
        for turn in self.script:
            if calls <= 0:
                return turn
            calls -= len(turn)
        raise ValueError("the script has no more turns")

    def say(self, handler, status, text, headers):
        body = text.encode()
        handler.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)

    def stream(self, handler, chunks):
        handler.send_response(200)
        handler.send_header("Content-Type", "text/event-stream; charset=utf-8")
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        text = b"".join(chunk.encode() for chunk in chunks)
        # The cuts between pieces have nothing to do with those between events.
        for start in range(0, len(text), 97):
            piece = text[start : start + 97]
            handler.wfile.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
            handler.wfile.flush()
        handler.wfile.write(b"0\r\n\r\n")

    def told(self):
        """Every text that the tools have told the model, in the last request."""
        api = Chat if "messages" in self.requests[-1] else Responses
        return api.told(self.requests[-1])


def named(name, functions):
    """The public name of a tool of the script: its own, or that of the one whose description has it in brackets. A script
    may also call what is not there."""
    if not name.startswith("[["):
        return name
    marked = [one["name"] for one in functions if name in one.get("description", "")]
    return marked[0] if marked else "not_offered"


class Chat:
    """Chat Completions."""

    params = CHAT_PARAMS

    @staticmethod
    def calls_in(body):
        return sum(len(message.get("tool_calls", [])) for message in body["messages"])

    @staticmethod
    def told(body):
        return [message["content"] for message in body["messages"] if message["role"] == "tool"]

    @staticmethod
    def calls(body, turn, number):
        functions = [tool["function"] for tool in body.get("tools", []) if tool["type"] == "function"]
        return [
            {
                "id": f"call_{number}_{index}",
                "type": "function",
                "function": {"name": named(name, functions), "arguments": arguments},
            }
            for index, (name, arguments) in enumerate(turn)
        ]

    @classmethod
    def whole(cls, body, turn, number):
        is_text = isinstance(turn, str)
        message = {"role": "assistant", "content": turn if is_text else None, "refusal": None}
        if not is_text:
            message["tool_calls"] = cls.calls(body, turn, number)
        choice = {
            "index": 0,
            "message": message,
            "finish_reason": "stop" if is_text else "tool_calls",
            "logprobs": None,
        }
        whole = {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": body["model"],
            "choices": [choice],
            "usage": USAGE,
        }
        return ChatCompletion.model_validate(whole)

    @classmethod
    def chunks(cls, body, turn, number):
        head = {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": body["model"],
        }

        def chunk(choices, **more):
            made = ChatCompletionChunk.model_validate({**head, "choices": choices, **more})
            return f"data: {made.model_dump_json(exclude_unset=True)}\n\n"

        def delta(reason=None, **delta):
            return chunk([{"index": 0, "delta": delta, "finish_reason": reason, "logprobs": None}])

        yield delta(role="assistant", content="" if isinstance(turn, str) else None)
        if isinstance(turn, str):
            for piece in pieces(turn):
                yield delta(content=piece)
        else:
            calls = cls.calls(body, turn, number)
            for index, call in enumerate(calls):
                function = {"name": call["function"]["name"], "arguments": ""}
                yield delta(tool_calls=[{**call, "index": index, "function": function}])
            # The arguments of all calls come mixed: only the index says whose they are.
            cut = [pieces(call["function"]["arguments"]) for call in calls]
            for step in range(max(map(len, cut))):
                for index, one in enumerate(cut):
                    if step < len(one):
                        yield delta(tool_calls=[{"index": index, "function": {"arguments": one[step]}}])
        yield ": a comment\r\n\r\n"
        yield delta(reason="stop" if isinstance(turn, str) else "tool_calls")
        if (body.get("stream_options") or {}).get("include_usage"):
            yield chunk([], usage=USAGE)
        yield "data: [DONE]\n\n"


class Responses:
    """Responses."""

    params = RESPONSES_PARAMS

    @staticmethod
    def calls_in(body):
        items = body["input"] if isinstance(body["input"], list) else []
        return sum(1 for item in items if item.get("type") == "function_call")

    @staticmethod
    def told(body):
        return [item["output"] for item in body["input"] if item.get("type") == "function_call_output"]

    @staticmethod
    def items(body, turn, number):
        if isinstance(turn, str):
            content = [{"type": "output_text", "text": turn, "annotations": [], "logprobs": []}]
            message = {"type": "message", "id": f"msg_{number}", "role": "assistant", "status": "completed"}
            return [{**message, "content": content}]
        functions = [tool for tool in body.get("tools", []) if tool["type"] == "function"]
        return [
            {
                "type": "function_call",
                "id": f"fc_{number}_{index}",
                "call_id": f"call_{number}_{index}",
                "name": named(name, functions),
                "arguments": arguments,
                "status": "completed",
            }
            for index, (name, arguments) in enumerate(turn)
        ]

    @staticmethod
    def response(body, number, status, output):
        return {
            "id": f"resp_{number}",
            "object": "response",
            "created_at": int(time.time()),
            "model": body["model"],
            "status": status,
            "output": output,
            "error": None,
            "incomplete_details": None,
            "instructions": body.get("instructions"),
            "metadata": {},
            "parallel_tool_calls": True,
            "temperature": 1.0,
            "tool_choice": body.get("tool_choice", "auto"),
            "tools": body.get("tools", []),
            "top_p": 1.0,
            "usage": RESPONSES_USAGE if status == "completed" else None,
        }

    @classmethod
    def whole(cls, body, turn, number):
        return Response.model_validate(cls.response(body, number, "completed", cls.items(body, turn, number)))

    @classmethod
    def chunks(cls, body, turn, number):
        sequence = 0

        def event(kind, **more):
            nonlocal sequence
            made = EVENT.validate_python({"type": kind, "sequence_number": sequence, **more})
            sequence += 1
            return f"event: {kind}\ndata: {made.model_dump_json(exclude_unset=True)}\n\n"

        items = cls.items(body, turn, number)
        begun = cls.response(body, number, "in_progress", [])
        yield event("response.created", response=begun)
        yield event("response.in_progress", response=begun)
        for index, item in enumerate(items):
            place = {"output_index": index, "item_id": item["id"]}
            if item["type"] == "message":
                yield event("response.output_item.added", output_index=index, item={**item, "content": []})
                [part] = item["content"]
                place["content_index"] = 0
                yield event("response.content_part.added", **place, part={**part, "text": ""})
                for piece in pieces(part["text"]):
                    yield event("response.output_text.delta", **place, delta=piece, logprobs=[])
                yield event("response.output_text.done", **place, text=part["text"], logprobs=[])
                yield event("response.content_part.done", **place, part=part)
            else:
                open_item = {**item, "arguments": "", "status": "in_progress"}
                yield event("response.output_item.added", output_index=index, item=open_item)
                for piece in pieces(item["arguments"]):
                    yield event("response.function_call_arguments.delta", **place, delta=piece)
                done = {"arguments": item["arguments"], "name": item["name"]}
                yield event("response.function_call_arguments.done", **place, **done)
            yield event("response.output_item.done", output_index=index, item=item)
        yield event("response.completed", response=cls.response(body, number, "completed", items))
