"""What the servers of both Python SDKs offer, as `xtask/src/interop/offer.rs` says of them."""

import asyncio
import base64
import socket
import sys

import uvicorn

# One black pixel.
PICTURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNg"
    "AAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)


def fill(server, Context, Image):
    """Gives a server of either SDK its tools, its resource and its prompt; the types are those of the SDK."""

    @server.tool()
    def echo(text: str) -> str:
        """Says the text again."""
        return text

    @server.tool()
    def add(a: float, b: float) -> str:
        """Adds two numbers."""
        return f"{a + b:g}"

    @server.tool()
    async def countdown(seconds: float, steps: int, context: Context) -> str:
        """Waits and tells how far it has come."""
        for step in range(1, steps + 1):
            await asyncio.sleep(seconds / steps)
            await context.report_progress(step, steps, f"{steps - step} to go")
        return f"Counted down {seconds:g} seconds in {steps} steps."

    @server.tool()
    def picture() -> Image:
        """Shows one pixel."""
        return Image(data=base64.b64decode(PICTURE), format="png")

    @server.resource("embedded://about", mime_type="text/plain")
    def about() -> str:
        """What this server is."""
        return "A server of the Model Context Protocol."

    @server.prompt()
    def summarize(text: str, style: str = "short") -> str:
        """Asks for a summary."""
        return f"Summarize ({style}): {text}"


def serve(server):
    """Speaks over the standard streams, or binds a free port of 127.0.0.1 and prints the URL."""
    if sys.argv[1] == "stdio":
        server.run()
        return
    listener = socket.create_server(("127.0.0.1", 0))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/mcp", flush=True)
    app = server.streamable_http_app()
    uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
