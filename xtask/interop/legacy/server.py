"""The Python SDK of the legacy era as a server.

    python server.py http     binds a free port of 127.0.0.1 and prints the URL
    python server.py stdio
"""

import sys
from pathlib import Path

from mcp.server.fastmcp import Context, FastMCP, Image

sys.path.append(str(Path(__file__).parent.parent))
from offer import fill, serve

server = FastMCP("interop-python-legacy-server")
fill(server, Context, Image)
serve(server)
