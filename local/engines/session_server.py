"""The driver of a notebook session: one Spark application, and a Jupyter server whose kernels all work in it.

Usage: spark-submit ... session_server.py FOLDER DISPLAY_NAME TTL_SECONDS

It listens on a loopback port of its own and answers only to the token in FOLDER/token; Jupyter's own record of the
server in FOLDER/runtime says where, and is written when Spark runs and the server listens.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
from pathlib import Path

from jupyter_server.serverapp import ServerApp
from pyspark.sql import SparkSession
from traitlets.config import Config

# Extensions that the environment switches on for JupyterLab; a session has kernels and nothing else.
EXTENSIONS = ("jupyter_lsp", "jupyter_server_terminals", "jupyterlab", "notebook_shim")


def main(folder: Path, display_name: str, ttl_seconds: float) -> None:
    """Run Spark, then serve kernels until a signal ends both."""
    # Nobody may be left to end it: no session outlives its longest life.
    limit = threading.Timer(ttl_seconds, os.kill, (os.getpid(), signal.SIGTERM))
    limit.daemon = True
    limit.start()
    # The environment has a kernel of the same name, which knows no Spark: the session's own goes before it.
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "0"
    spark = SparkSession.builder.getOrCreate()
    specify_kernel(folder, display_name)
    server = ServerApp.instance(config=settings(folder))
    server.initialize(argv=[])
    server.start()
    spark.stop()


def specify_kernel(folder: Path, display_name: str) -> None:
    """Describe the one kind of kernel: this Python, attached to the session's Spark before its first cell."""
    place = folder / "jupyter" / "kernels" / "python3"
    place.mkdir(parents=True, exist_ok=True)
    attach = Path(__file__).with_name("session_kernel.py")
    spec = {
        "argv": [
            *(sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"),
            f"--IPKernelApp.exec_files={attach}",
        ],
        "display_name": display_name,
        "language": "python",
    }
    (place / "kernel.json").write_text(json.dumps(spec), encoding="utf-8")


def settings(folder: Path) -> Config:
    """Give the server's settings; the token comes from a file, so that no command line and no log shows it."""
    config = Config()
    config.ServerApp.ip = "127.0.0.1"
    config.ServerApp.port = free_port()
    config.ServerApp.port_retries = 100
    config.ServerApp.open_browser = False
    config.ServerApp.allow_root = True
    config.ServerApp.root_dir = str(Path.cwd())
    config.ServerApp.log_level = "ERROR"
    config.ServerApp.jpserver_extensions = dict.fromkeys(EXTENSIONS, False)
    config.ServerApp.allow_unauthenticated_access = False
    config.IdentityProvider.token = (folder / "token").read_text(encoding="utf-8")
    config.KernelSpecManager.ensure_native_kernel = False
    return config


def free_port() -> int:
    """Find a port to begin with; should another program take it meanwhile, the server goes on to the next."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
