"""Starts the engine: settings come as a line of JSON on standard input, addresses go out as one on standard output."""

from __future__ import annotations

import json
import logging
import os
import sys

from bqemulator.config import LogFormat, LogLevel
from bqemulator.observability.logging_ import configure_logging


def main() -> None:
    settings = json.loads(sys.stdin.readline())
    # Libraries print to standard output: it becomes the log, and the address goes out beside it.
    announcements = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    logging.basicConfig(
        stream=sys.stderr, level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    configure_logging(level=LogLevel.WARNING, fmt=LogFormat.JSON)
    # Imported late: bqemulator's modules log while they load.
    from .server import run

    run(settings, announcements)


if __name__ == "__main__":
    main()
