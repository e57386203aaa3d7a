"""Executes notebooks from top to bottom in a session, each in a kernel of its own, and keeps them with their outputs.

Usage: notebook_execute.py FOLDER NOTEBOOK...

The session is that of JUPYTER_GATEWAY_URL and JUPYTER_GATEWAY_AUTH_TOKEN. A notebook that fails does not keep the others
from running; the exit code is 1 if any has failed.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from threading import Thread

import nbformat
import websocket
from jupyter_client.client import KernelClient
from jupyter_core.utils import ensure_async
from jupyter_server.gateway.gateway_client import GatewayClient
from jupyter_server.gateway.managers import GatewayKernelClient, GatewayKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError
from traitlets import DottedObjectName, Type

CELL_SECONDS = 600


class SessionKernelClient(GatewayKernelClient):
    """A client of a kernel of the session; Jupyter's own opens its socket without the token."""

    async def start_channels(
        self, shell: bool = True, iopub: bool = True, stdin: bool = True, hb: bool = True, control: bool = True
    ) -> None:
        """Open the socket that carries all channels, as the base does, with the token."""
        gateway = GatewayClient.instance()
        self.channel_socket = websocket.create_connection(
            f"{gateway.ws_url.rstrip('/')}{gateway.kernels_endpoint}/{self.kernel_id}/channels",
            timeout=gateway.KERNEL_LAUNCH_TIMEOUT,
            enable_multithread=True,
            header={gateway.auth_header_key: f"{gateway.auth_scheme} {gateway.auth_token}"},
        )
        # Long cells are silent; how long is too long is the executor's to say.
        self.channel_socket.settimeout(None)
        await ensure_async(KernelClient.start_channels(self, shell, iopub, stdin, hb, control))
        self.response_router = Thread(target=self._route_responses)
        self.response_router.start()


class SessionKernelManager(GatewayKernelManager):
    """Starts kernels in the session."""

    client_class = DottedObjectName(f"{__name__}.SessionKernelClient")
    client_factory = Type(klass=SessionKernelClient, default_value=SessionKernelClient)

    async def _async_is_alive(self) -> bool:
        """Ask the session; the base, which is asked of a kernel that is slow to answer, looks for a process here."""
        return await self.is_alive()


def main(target: Path, notebooks: list[Path]) -> int:
    """Execute them in their order."""
    failed = []
    for path in notebooks:
        began = time.monotonic()
        notebook = nbformat.read(path, as_version=4)
        problem = execute(notebook)
        nbformat.write(notebook, target / path.name)
        print(f"{path.stem}: {problem or 'done'} ({time.monotonic() - began:.1f} s)", flush=True)
        failed += [path] if problem else []
    return 1 if failed else 0


def execute(notebook: nbformat.NotebookNode) -> str | None:
    """Run one notebook in a new kernel; give what went wrong."""
    client = NotebookClient(notebook, timeout=CELL_SECONDS, kernel_manager_class=SessionKernelManager)
    try:
        client.execute()
    except CellExecutionError as error:
        return f"failed with {error.ename}: {error.evalue}"
    return None


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), [Path(name) for name in sys.argv[2:]]))
