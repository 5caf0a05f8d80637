"""A server of the hostile tools over standard input and output, written without an SDK: none would let it.

    python hostile.py CORPUS FIRST COUNT

It lists the tools of so many cases, in pages, each with the id of its case in front of its description; a call is
answered with the arguments that came.
"""

import json
import sys
from pathlib import Path

PAGE = 30
# What is no tool at all, between those that are: they must not take the others with them.
MALFORMED = [None, "tool", [], {}, {"inputSchema": {"type": "object"}}, {"name": 5, "inputSchema": {"type": "object"}}]


def tools_of(cases):
    for case in cases:
        said = case["tool"].get("description", "")
        is_text = isinstance(said, str)
        yield {**case["tool"], "description": f"[[{case['id']}]] {said}" if is_text else said}


def answer(cases, tools, method, params):
    if method == "initialize":
        version = params["protocolVersion"]
        return {"protocolVersion": version, "capabilities": {"tools": {}}, "serverInfo": {"name": "h", "version": "1"}}
    if method == "tools/list":
        start = int(params.get("cursor", 0))
        more = {"nextCursor": str(start + PAGE)} if start + PAGE < len(tools) else {}
        return {"tools": tools[start : start + PAGE], **more}
    if method == "tools/call":
        ids = [case["id"] for case in cases if case["tool"]["name"] == params["name"]]
        text = json.dumps({"ids": ids, "arguments": params.get("arguments", {})})
        return {"content": [{"type": "text", "text": text}]}
    return {} if method == "ping" else None


def main():
    path, first, count = sys.argv[1:]
    cases = [case for case in json.loads(Path(path).read_text()) if "repeat" not in case]
    cases = cases[int(first) : int(first) + int(count)]
    tools = [*MALFORMED, *tools_of(cases)]
    for line in sys.stdin:
        message = json.loads(line)
        if "id" not in message:
            continue
        result = answer(cases, tools, message["method"], message.get("params", {}))
        said = {"result": result} if result is not None else {"error": {"code": -32601, "message": "no such method"}}
        print(json.dumps({"jsonrpc": "2.0", "id": message["id"], **said}), flush=True)


main()
