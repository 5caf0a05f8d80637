"""Runs the Python functions of a gateway's configuration. Needs Python 3.8 and nothing else.

The gateway starts it with the folder of the configuration and the paths of the functions, and speaks to it what it
speaks to any server on standard streams: MCP, one JSON message per line. The surprising thing: user code never sees
those streams. It reads an empty standard input, and what it prints, by Python or by C, goes to standard error.
"""

import asyncio
import base64
import contextvars
import dataclasses
import difflib
import importlib
import inspect
import json
import math
import os
import pkgutil
import sys
import threading
import traceback

# Calls of functions that are not `async`, at the same time; each has a thread.
THREADS = 32
# Threads whose call was cancelled and which run on, because Python cannot stop a thread. Beyond, the process ends as
# soon as it answers no call, and is started again.
LEFT_BEHIND = 64
# Bytes of a message. The gateway refuses longer lines.
LINE_BYTES = 15 << 20
# How long the process may take to end.
GRACE_SECONDS = 1
# Levels of lists and maps in a result.
DEPTH = 100
# Characters of the text of an exception.
ERROR_CHARS = 4000

IMAGES = [(b"\x89PNG\r\n\x1a\n", "image/png"), (b"\xff\xd8\xff", "image/jpeg"), (b"GIF8", "image/gif")]
BLOCKS = {
    "audio": ("data", "mimeType"),
    "image": ("data", "mimeType"),
    "resource": ("resource",),
    "resource_link": ("uri", "name"),
    "text": ("text",),
}


class Unfit(Exception):
    """A value that JSON does not have."""


class Unloadable(Exception):
    """A path that leads to no function."""


def take_streams():
    """Keeps the standard streams for the gateway, and gives user code others."""
    incoming, outgoing = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdin = open(os.devnull)
    sys.stdout = sys.__stdout__ = open(1, "w", buffering=1, errors="backslashreplace", closefd=False)
    return incoming, outgoing


# What functions are there.


def load(path, folder):
    """Returns the function of a path such as `module.function`."""
    parts = path.split(".")
    for end in range(len(parts) - 1, 0, -1):
        name = ".".join(parts[:end])
        try:
            found = importlib.import_module(name)
        except ModuleNotFoundError as error:
            # It is the path that leads nowhere, not an import in the module. A class may stand in the path.
            if error.name is not None and (name == error.name or name.startswith(error.name + ".")):
                continue
            raise
        for attribute in parts[end:]:
            if not hasattr(found, attribute):
                hint = near(attribute, [each for each in dir(found) if not each.startswith("_")])
                raise Unloadable("`{}` has no `{}`{}".format(name, attribute, hint))
            found = getattr(found, attribute)
        if not callable(found):
            raise Unloadable("`{}` is no function but of the type `{}`".format(path, type(found).__name__))
        return found
    hint = near(parts[0], [module.name for module in pkgutil.iter_modules([folder])])
    raise Unloadable("there is no module `{}` in {}{}".format(".".join(parts[:-1]), folder, hint))


def near(name, names):
    close = difflib.get_close_matches(name, names, 1)
    return "; did you mean `{}`?".format(close[0]) if close else ""


def explain(error, folder):
    """Says why a function could not be loaded, with the file and the line."""
    text = said(error)
    if isinstance(error, Unloadable):
        return str(error)
    if isinstance(error, SyntaxError):
        text = "{}: {}".format(type(error).__name__, error.msg)
        place = (error.filename, error.lineno)
    else:
        frames = [(frame.filename, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
        own = [frame for frame in frames if frame[0].startswith(os.path.join(folder, ""))]
        if not own:
            return text
        place = own[-1]
    file, line = place
    return "{}:{}: {}".format(os.path.relpath(file, folder) if file else "?", line or "?", text)


def describe(name, function):
    """Describes a function as a tool. Its schema has the names of the parameters and nothing of their types."""
    schema = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        parameters = []
        schema["additionalProperties"] = True
    for parameter in parameters:
        if parameter.kind is parameter.VAR_KEYWORD:
            schema["additionalProperties"] = True
        elif parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY):
            schema["properties"][parameter.name] = {}
            if parameter.default is parameter.empty:
                schema["required"].append(parameter.name)
    return {"name": name, "inputSchema": schema}


# What came of a call.


def said(error):
    text = str(error)
    name = type(error).__name__
    return ("{}: {}".format(name, text) if text else name)[:ERROR_CHARS]


def failed(text):
    return {"content": [{"type": "text", "text": clean(text)}], "isError": True}


def clean(text):
    """Replaces halves of characters, which no UTF-8 has."""
    return text.encode("utf-8", "replace").decode("utf-8")


def plain(value, depth=0):
    """Returns a value as JSON has it."""
    if depth > DEPTH:
        raise Unfit("it is nested too deep")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return clean(str(value))
    if isinstance(value, int):
        if abs(value) >= 1 << 1000:
            raise Unfit("a number is too large")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise Unfit("NaN and infinity are not JSON")
        return float(value)
    if isinstance(value, dict):
        return {clean(str(key)): plain(member, depth + 1) for key, member in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(item, depth + 1) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        members = [field.name for field in dataclasses.fields(value)]
        return {name: plain(getattr(value, name), depth + 1) for name in members}
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(mode="json", by_alias=True, exclude_none=True), depth + 1)
    return clean(str(value))


def is_block(value):
    if not isinstance(value, dict):
        return False
    needed = BLOCKS.get(value.get("type")) if isinstance(value.get("type"), str) else None
    return needed is not None and all(name in value for name in needed)


def result_of(value):
    """Returns the result of a call for what a function has returned."""
    if value is None:
        return {"content": []}
    if isinstance(value, (bytes, bytearray, memoryview)):
        return {"content": [block_of(bytes(value))]}
    try:
        value = plain(value)
    except Unfit:
        value = clean(str(value))
    if isinstance(value, dict):
        content = value.get("content")
        if isinstance(content, list) and all(is_block(item) for item in content):
            names = ("content", "structuredContent", "isError", "_meta")
            return {name: value[name] for name in names if value.get(name) is not None}
        if is_block(value):
            return {"content": [value]}
        return {"content": [text_of(json.dumps(value, ensure_ascii=False))], "structuredContent": value}
    if isinstance(value, list):
        if value and all(is_block(item) for item in value):
            return {"content": value}
        return {"content": [text_of(json.dumps(value, ensure_ascii=False))]}
    return {"content": [text_of(str(value))]}


def text_of(text):
    return {"type": "text", "text": text}


def block_of(data):
    kinds = [kind for start, kind in IMAGES if data.startswith(start)]
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        kinds = ["image/webp"]
    if kinds:
        return {"type": "image", "data": base64.b64encode(data).decode("ascii"), "mimeType": kinds[0]}
    try:
        return text_of(data.decode("utf-8"))
    except UnicodeDecodeError:
        raise TypeError("the function returned {} bytes that are neither text nor an image".format(len(data))) from None


class Runner:
    def __init__(self, folder, outgoing):
        self.folder = folder
        self.outgoing = outgoing
        self.functions = {}
        self.faults = {}
        self.tasks = {}
        self.left_behind = []
        self.slots = asyncio.Semaphore(THREADS)
        self.ended = asyncio.Event()

    def load(self, paths):
        for path in paths:
            try:
                self.functions[path] = load(path, self.folder)
            except BaseException as error:  # `sys.exit` in a module, too
                if not isinstance(error, Unloadable):
                    traceback.print_exc()
                self.faults[path] = explain(error, self.folder)

    def handle(self, line):
        """Handles one message of the gateway."""
        message = json.loads(line)
        method, number, params = message.get("method"), message.get("id"), message.get("params") or {}
        if method == "tools/call":
            task = asyncio.ensure_future(self.answer(number, params["name"], params.get("arguments") or {}))
            self.tasks[number] = task
            task.add_done_callback(lambda _: self.forget(number))
        elif method == "notifications/cancelled":
            task = self.tasks.pop(params.get("requestId"), None)
            if task is not None:
                task.cancel()
        elif number is not None:
            self.send(self.reply(method, number, params))

    def forget(self, number):
        self.tasks.pop(number, None)
        self.rest()

    def reply(self, method, number, params):
        if method == "initialize":
            result = {
                "protocolVersion": params.get("protocolVersion"),
                "capabilities": {"tools": {}},
                "serverInfo": {"name": "python", "version": sys.version.split()[0]},
            }
        elif method == "tools/list":
            tools = [describe(path, function) for path, function in self.functions.items()]
            result = {"tools": tools, "_meta": {"mcp-bridge/faults": self.faults}}
        elif method == "ping":
            result = {}
        else:
            error = {"code": -32601, "message": "`{}` is not spoken here".format(method)}
            return {"jsonrpc": "2.0", "id": number, "error": error}
        return {"jsonrpc": "2.0", "id": number, "result": result}

    def send(self, message):
        line = json.dumps(message, ensure_ascii=False).encode("utf-8", "replace")
        if len(line) > LINE_BYTES:
            text = "the function returned {} bytes; at most {} can be sent".format(len(line), LINE_BYTES)
            line = json.dumps({"jsonrpc": "2.0", "id": message["id"], "result": failed(text)}).encode("utf-8")
        try:
            self.outgoing.write(line + b"\n")
            self.outgoing.flush()
        except OSError:
            # Nobody is there to be told.
            os._exit(0)

    async def answer(self, number, path, arguments):
        try:
            result = await self.call(path, arguments)
        except asyncio.CancelledError as error:
            if number not in self.tasks:
                raise  # by the gateway, which wants no answer any more
            result = failed(said(error))
        self.send({"jsonrpc": "2.0", "id": number, "result": result})

    async def call(self, path, arguments):
        function = self.functions.get(path)
        if function is None:
            return failed("the function could not be loaded: {}".format(self.faults.get(path, path)))
        try:
            if inspect.iscoroutinefunction(function):
                value = await function(**arguments)
            else:
                value, error = await self.in_thread(function, arguments)
                if error is not None:
                    traceback.print_exception(type(error), error, error.__traceback__)
                    return failed(said(error))
                if inspect.isawaitable(value):
                    value = await value
            return result_of(value)
        except (asyncio.CancelledError, GeneratorExit):
            raise
        except BaseException as error:  # `sys.exit` in a function ends the call, not the process
            traceback.print_exc()
            return failed(said(error))

    async def in_thread(self, function, arguments):
        """Calls a function that is not `async`; returns its value and its exception, of which one is `None`."""
        loop = asyncio.get_running_loop()
        outcome = loop.create_future()

        def finish(value, error):
            if not outcome.done():
                outcome.set_result((value, error))

        def run():
            try:
                done = (function(**arguments), None)
            except BaseException as error:
                done = (None, error)
            try:
                loop.call_soon_threadsafe(finish, *done)
            except RuntimeError:
                pass  # the loop is closed: the process ends

        async with self.slots:
            context = contextvars.copy_context()
            thread = threading.Thread(target=context.run, args=(run,), daemon=True)
            thread.start()
            try:
                return await outcome
            except asyncio.CancelledError:
                self.leave_behind(thread)
                raise

    def leave_behind(self, thread):
        self.left_behind = [each for each in self.left_behind if each.is_alive()] + [thread]
        self.rest()

    def rest(self):
        """Ends the process if too many threads are left behind, at a moment when it answers no other call.

        A call that is on its way in that moment fails, and says so.
        """
        count = len(self.left_behind)
        if count > 4 * LEFT_BEHIND or count > LEFT_BEHIND and not self.tasks:
            print("mcp-bridge: too many cancelled calls run on; Python is started again", file=sys.stderr, flush=True)
            os._exit(70)


def read(incoming, loop, runner):
    """Hands the lines of the gateway to the loop, in a thread of its own."""
    for line in incoming:
        loop.call_soon_threadsafe(runner.handle, line)
    loop.call_soon_threadsafe(runner.ended.set)


def main():
    incoming, outgoing = take_streams()
    folder, paths = os.path.abspath(sys.argv[1]), sys.argv[2:]
    sys.argv = ["mcp-bridge"]
    # In place of the directory that the interpreter was started in.
    sys.path[0] = folder
    # Modules may make locks and queues when they are loaded, which before Python 3.10 are of the loop of that moment.
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    runner = Runner(folder, outgoing)
    # Modules may take long to load, so the handshake goes before: who starts the process again does not wait for them.
    first = incoming.readline()
    if not first:
        return
    runner.handle(first)
    runner.load(paths)
    threading.Thread(target=read, args=(incoming, loop, runner), daemon=True).start()
    loop.run_until_complete(runner.ended.wait())
    # The gateway is gone. What is to be done at the exit is done, but no thread of user code keeps the process alive.
    end = threading.Timer(GRACE_SECONDS, os._exit, [0])
    end.daemon = True
    end.start()


main()
