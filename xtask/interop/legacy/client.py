"""The Python SDK of the legacy era as a client: connects to one server and checks what it offers.

    python client.py legacy OFFER http URL
    python client.py legacy OFFER sse URL
    python client.py legacy OFFER stdio COMMAND [ARGUMENT...]

OFFER is the JSON that `xtask/src/interop/offer.rs` writes: what the server must have.
"""

import asyncio
import json
import sys
import traceback
from datetime import timedelta
from pathlib import Path

from mcp import ClientSession, McpError, StdioServerParameters
from mcp.client.sse import sse_client
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client

sys.path.append(str(Path(__file__).parent.parent))
from checks import report, run_checks

_, OFFER_TEXT, KIND, TARGET, *TARGET_ARGUMENTS = sys.argv[1:]
OFFER = json.loads(OFFER_TEXT)


async def main():
    if KIND == "http":
        transport = streamable_http_client(TARGET)
    elif KIND == "sse":
        transport = sse_client(TARGET)
    else:
        transport = stdio_client(StdioServerParameters(command=TARGET, args=TARGET_ARGUMENTS))
    stage = "connect"
    try:
        async with transport as (read, write, *_):
            async with ClientSession(read, write, read_timeout_seconds=timedelta(seconds=20)) as session:
                version = (await session.initialize()).protocolVersion
                stage = "close"
                await run_checks(session, OFFER, version, McpError)
        report("close", True, "")
    except Exception:
        report(stage, False, traceback.format_exc())


asyncio.run(main())
