"""The Python SDK as a client: connects to one server in one era and checks what it offers.

    python client.py ERA OFFER http URL
    python client.py ERA OFFER sse URL
    python client.py ERA OFFER stdio COMMAND [ARGUMENT...]

ERA is `legacy`, `modern` or `auto`. OFFER is the JSON that `xtask/src/interop/offer.rs` writes: what the server must
have.
"""

import asyncio
import json
import sys
import traceback

from checks import report, run_checks
from mcp import Client, MCPError, StdioServerParameters
from mcp.client.sse import sse_client

ERA, OFFER_TEXT, KIND, TARGET, *TARGET_ARGUMENTS = sys.argv[1:]
OFFER = json.loads(OFFER_TEXT)


async def main():
    targets = {
        "http": lambda: TARGET,
        "sse": lambda: sse_client(TARGET),
        "stdio": lambda: StdioServerParameters(command=TARGET, args=TARGET_ARGUMENTS),
    }
    target = targets[KIND]()
    mode = OFFER["modern"] if ERA == "modern" else ERA
    stage = "connect"
    try:
        async with Client(target, mode=mode, read_timeout_seconds=20) as client:
            stage = "close"
            await run_checks(client, OFFER, client.protocol_version, MCPError)
        report("close", True, "")
    except Exception:
        report(stage, False, traceback.format_exc())


asyncio.run(main())
