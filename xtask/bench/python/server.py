"""The Python SDK as a server, in both eras at once, as its README writes one.

    python server.py [--http 127.0.0.1:PORT] [--tools N]

Over HTTP when an address is given, else over standard streams.
"""

import argparse
import socket
import sys

import uvicorn
from mcp.server.mcpserver import Context, MCPServer

parser = argparse.ArgumentParser()
parser.add_argument("--http")
parser.add_argument("--tools", type=int, default=0)
# Flags of other subjects mean nothing here.
arguments, _ = parser.parse_known_args()

server = MCPServer("bench-python", log_level="WARNING")


@server.tool(structured_output=False)
def echo(text: str) -> str:
    """Returns what it is given"""
    return text


@server.tool(structured_output=False)
async def progress(n: int, context: Context) -> str:
    """Tells how far it has come, and then `done`"""
    for step in range(1, n + 1):
        await context.report_progress(step, n)
    return "done"


for index in range(arguments.tools):
    server.add_tool(echo, name=f"tool_{index}", description="Returns what it is given", structured_output=False)

if arguments.http is None:
    server.run()
else:
    host, port = arguments.http.rsplit(":", 1)
    # asyncio sets TCP_NODELAY only where the protocol is named, and without it each answer waits for an acknowledgement.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.bind((host, int(port)))
    listener.listen(1024)
    print(f"listening on http://{host}:{listener.getsockname()[1]}/mcp", file=sys.stderr, flush=True)
    config = uvicorn.Config(server.streamable_http_app(), log_level="warning", access_log=False)
    uvicorn.Server(config).run(sockets=[listener])
