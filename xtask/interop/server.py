"""The Python SDK as a server, in both eras at once.

    python server.py http     binds a free port of 127.0.0.1 and prints the URL
    python server.py stdio
"""

from mcp.server.mcpserver import Context, Image, MCPServer
from offer import fill, serve

server = MCPServer("interop-python-server")
fill(server, Context, Image)
serve(server)
