"""The customers' file: its columns and values, and a check that names every problem of a file before it is used.

    python -m sparklab.customers_csv FILE      exit 0: fit for use; exit 2: not fit, every problem on its own line

Needs nothing but Python: set-up and the command line run it before a file of the user's own goes to the cloud.
"""

from __future__ import annotations

import argparse
import csv
import io
import re
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LINES_SHOWN = 8


@dataclass(frozen=True)
class SourceColumn:
    """One column of the file: its header, its name in the tables, and the values that it may hold."""

    header: str
    name: str
    values: tuple[str, ...] = ()
    pattern: str = ""
    expected: str = ""

    def allows(self, value: str) -> bool:
        """Say whether a cell may hold this text."""
        return value in self.values if self.values else re.fullmatch(self.pattern, value) is not None

    def expectation(self) -> str:
        """Say what a cell may hold, for an error message."""
        return "one of " + ", ".join(self.values) if self.values else self.expected


_YES_NO = ("Yes", "No")
_INTERNET = ("Yes", "No", "No internet service")
_AMOUNT = r"\d+(\.\d+)?"

COLUMNS: tuple[SourceColumn, ...] = (
    SourceColumn(
        "customerID", "customer_id", pattern=r"[A-Za-z0-9_-]+", expected="an id of letters, digits, - and _, not empty"
    ),
    SourceColumn("gender", "gender", ("Female", "Male")),
    SourceColumn("SeniorCitizen", "senior_citizen", ("0", "1")),
    SourceColumn("Partner", "partner", _YES_NO),
    SourceColumn("Dependents", "dependents", _YES_NO),
    SourceColumn("tenure", "tenure", pattern=r"\d{1,4}", expected="a whole number of months from 0"),
    SourceColumn("PhoneService", "phone_service", _YES_NO),
    SourceColumn("MultipleLines", "multiple_lines", ("Yes", "No", "No phone service")),
    SourceColumn("InternetService", "internet_service", ("DSL", "Fiber optic", "No")),
    SourceColumn("OnlineSecurity", "online_security", _INTERNET),
    SourceColumn("OnlineBackup", "online_backup", _INTERNET),
    SourceColumn("DeviceProtection", "device_protection", _INTERNET),
    SourceColumn("TechSupport", "tech_support", _INTERNET),
    SourceColumn("StreamingTV", "streaming_tv", _INTERNET),
    SourceColumn("StreamingMovies", "streaming_movies", _INTERNET),
    SourceColumn("Contract", "contract", ("Month-to-month", "One year", "Two year")),
    SourceColumn("PaperlessBilling", "paperless_billing", _YES_NO),
    SourceColumn(
        "PaymentMethod",
        "payment_method",
        ("Bank transfer (automatic)", "Credit card (automatic)", "Electronic check", "Mailed check"),
    ),
    SourceColumn("MonthlyCharges", "monthly_charges", pattern=_AMOUNT, expected="an amount such as 29.85"),
    # A customer of the first month has none: blank is allowed here and nowhere else.
    SourceColumn("TotalCharges", "total_charges", pattern=rf"\s*|{_AMOUNT}", expected="an amount, or blank"),
    SourceColumn("Churn", "churn", _YES_NO),
)

INTERNET_SERVICES = (
    "online_security",
    "online_backup",
    "device_protection",
    "tech_support",
    "streaming_tv",
    "streaming_movies",
)
"""Columns whose "No internet service" says no more than InternetService does; cleaning makes it "No"."""


def csv_problems(content: bytes) -> list[str]:
    """List every problem of a customers' file; an empty list means that it is fit for use."""
    if not content.strip():
        return ["file: is empty; expected a header line and one line per customer."]
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        return [
            f"line {line}: byte {content[error.start]:#04x} is not UTF-8; expected a UTF-8 file. "
            "Save it as UTF-8 (iconv -f latin1 -t utf-8 converts most others)."
        ]
    if text.startswith("\ufeff"):
        return ["line 1: the file begins with a byte-order mark; expected UTF-8 without one. Save it as plain UTF-8."]
    if "\x00" in text:
        return [f"line {text.count(chr(10), 0, text.index(chr(0))) + 1}: a zero byte; expected a text file."]
    rows = _rows(text)
    header = next(rows)[1]
    problems = _header_problems(header)
    # Cells cannot be judged by position unless the positions are right.
    return problems or _row_problems(rows)


def _rows(text: str) -> Iterator[tuple[int, list[str]]]:
    """Give each record with the line that it begins on."""
    reader = csv.reader(io.StringIO(text, newline=""))
    begin = 1
    for row in reader:
        yield begin, row
        begin = reader.line_num + 1


def _header_problems(header: list[str]) -> list[str]:
    expected = [column.header for column in COLUMNS]
    problems = [f"line 1: column {name} is missing." for name in expected if name not in header]
    for position, name in enumerate(header, start=1):
        if name not in expected:
            problems.append(f"line 1: column {position} is {name!r}, which is not expected.")
        elif name in header[: position - 1]:
            problems.append(f"line 1: column {name} occurs again as column {position}.")
    if not problems and header != expected:
        first = next(index for index, name in enumerate(header) if name != expected[index])
        problems.append(f"line 1: columns are out of order from column {first + 1}: got {header[first]}.")
    if problems:
        problems.append(f"line 1: expected exactly {','.join(expected)}")
    return problems


def _row_problems(rows: Iterator[tuple[int, list[str]]]) -> list[str]:
    places: defaultdict[str, list[int]] = defaultdict(list)
    ids: defaultdict[str, list[int]] = defaultdict(list)
    churn: set[str] = set()
    for line, row in rows:
        for problem in _cell_problems(row):
            places[problem].append(line)
        if len(row) == len(COLUMNS):
            ids[row[0]].append(line)
            churn.add(row[-1])
    for customer, lines in ids.items():
        if len(lines) > 1:
            places[f"customerID {customer!r} occurs {len(lines)} times; expected once."] = lines
    if places:
        return [f"{_lines(lines)}: {problem}" for problem, lines in places.items()]
    return _whole_file_problems(churn)


def _whole_file_problems(churn: set[str]) -> list[str]:
    if not churn:
        return ["file: holds no customer; expected one line per customer after the header."]
    if len(churn) < 2:
        return [f"column Churn: only {churn.pop()!r} in the whole file; expected both Yes and No to learn from."]
    return []


def _cell_problems(row: list[str]) -> Iterator[str]:
    if len(row) != len(COLUMNS):
        yield f"{len(row)} cells; expected {len(COLUMNS)}."
        return
    for column, value in zip(COLUMNS, row, strict=True):
        if not column.allows(value):
            yield f"column {column.header}: got {value!r}; expected {column.expectation()}."


def _lines(lines: list[int]) -> str:
    shown = ", ".join(str(line) for line in lines[:LINES_SHOWN])
    more = f" and {len(lines) - LINES_SHOWN} more" if len(lines) > LINES_SHOWN else ""
    return f"{'line' if len(lines) == 1 else 'lines'} {shown}{more}"


def main(argv: list[str] | None = None) -> int:
    """Check one file and say what is wrong with it."""
    parser = argparse.ArgumentParser(prog="python -m sparklab.customers_csv", description="Checks a customers' file.")
    parser.add_argument("file", type=Path, help="CSV with the columns of the telco churn sample")
    file: Path = parser.parse_args(argv).file
    try:
        content = file.read_bytes()
    except OSError as error:
        print(f"{file}: cannot be read: {error.strerror}.", file=sys.stderr)
        return 2
    problems = csv_problems(content)
    if problems:
        print(f"{file}: not fit for use:", *problems, sep="\n  ", file=sys.stderr)
        return 2
    print(f"{file}: {sum(1 for _ in _rows(content.decode())) - 1:,} customers, fit for use")
    return 0


if __name__ == "__main__":
    sys.exit(main())
