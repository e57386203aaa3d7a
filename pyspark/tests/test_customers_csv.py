"""The check of a customers' file."""

import subprocess
import sys
from pathlib import Path

import pytest

from sparklab.customers_csv import COLUMNS, csv_problems, main

HEADER = ",".join(column.header for column in COLUMNS)
STAYED = "7590-VHVEG,Female,0,Yes,No,1,No,No phone service,DSL,No,Yes,No,No,No,No,Month-to-month,Yes,Electronic check,29.85,29.85,No"
LEFT = "3668-QPYBK,Male,0,No,No,2,Yes,No,DSL,Yes,Yes,No,No,No,No,Month-to-month,Yes,Mailed check,53.85,108.15,Yes"


def check(*lines: str) -> list[str]:
    return csv_problems("\n".join(lines).encode())


def test_the_real_file_is_fit_for_use(customers_file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(customers_file)]) == 0
    assert "7,043 customers, fit for use" in capsys.readouterr().out


@pytest.mark.parametrize("total", [" ", "", "45.0", "45"])
def test_total_charges_may_be_blank_or_an_amount(total: str) -> None:
    assert check(HEADER, STAYED, LEFT.replace("108.15", total)) == []


def test_windows_line_ends_are_fine() -> None:
    assert csv_problems(f"{HEADER}\r\n{STAYED}\r\n{LEFT}\r\n".encode()) == []


@pytest.mark.parametrize("content", [b"", b"\n \n"])
def test_an_empty_file_is_named(content: bytes) -> None:
    assert csv_problems(content) == ["file: is empty; expected a header line and one line per customer."]


def test_a_file_without_customers_is_named() -> None:
    assert check(HEADER) == ["file: holds no customer; expected one line per customer after the header."]


def test_missing_extra_and_repeated_columns_are_named_together() -> None:
    wrong = HEADER.replace("gender,", "").replace("Churn", "Churned,tenure")
    problems = check(wrong, STAYED)
    assert problems == [
        "line 1: column gender is missing.",
        "line 1: column Churn is missing.",
        "line 1: column 20 is 'Churned', which is not expected.",
        "line 1: column tenure occurs again as column 21.",
        f"line 1: expected exactly {HEADER}",
    ]


def test_misordered_columns_are_named() -> None:
    assert check(HEADER.replace("Partner,Dependents", "Dependents,Partner"), STAYED)[0] == (
        "line 1: columns are out of order from column 4: got Dependents."
    )


def test_every_wrong_value_is_named_with_its_lines_and_what_was_expected() -> None:
    problems = check(
        HEADER,
        STAYED.replace("Female", "F"),
        LEFT.replace(",2,Yes", ",two,Yes").replace("53.85", "-1"),
        STAYED.replace("7590-VHVEG", "").replace("Female", "F"),
    )
    assert problems == [
        "lines 2, 4: column gender: got 'F'; expected one of Female, Male.",
        "line 3: column tenure: got 'two'; expected a whole number of months from 0.",
        "line 3: column MonthlyCharges: got '-1'; expected an amount such as 29.85.",
        "line 4: column customerID: got ''; expected an id of letters, digits, - and _, not empty.",
    ]


@pytest.mark.parametrize("amount", ["NaN", "inf", "1e3", "1,5", "29.85 "])
def test_numbers_that_only_python_would_take_are_refused(amount: str) -> None:
    assert any("MonthlyCharges" in p or "cells" in p for p in check(HEADER, STAYED, LEFT.replace("53.85", amount)))


def test_duplicate_customers_are_named_with_their_lines() -> None:
    assert check(HEADER, STAYED, LEFT, STAYED) == ["lines 2, 4: customerID '7590-VHVEG' occurs 2 times; expected once."]


def test_lines_with_too_few_or_too_many_cells_are_named() -> None:
    assert check(HEADER, STAYED + ",more", LEFT, "a,b") == [
        "line 2: 22 cells; expected 21.",
        "line 4: 2 cells; expected 21.",
    ]


def test_a_cell_over_two_lines_is_refused_because_spark_reads_line_by_line() -> None:
    problems = check(HEADER, STAYED, LEFT.replace("Male", '"Ma\nle"'), "x")
    assert problems[0] == "line 3: column gender: got 'Ma\\nle'; expected one of Female, Male."
    assert problems[1] == "line 5: 1 cells; expected 21."


def test_only_the_first_lines_of_a_frequent_problem_are_listed() -> None:
    rows = [LEFT.replace("3668", f"{number:04}").replace("Male", "M") for number in range(30)]
    assert check(HEADER, STAYED, *rows)[0].startswith("lines 3, 4, 5, 6, 7, 8, 9, 10 and 22 more: column gender")


def test_a_file_with_one_class_only_is_refused() -> None:
    assert check(HEADER, STAYED) == [
        "column Churn: only 'No' in the whole file; expected both Yes and No to learn from."
    ]


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (f"{HEADER}\n{LEFT}\nJos\xe9".encode("latin-1"), "line 3: byte 0xe9 is not UTF-8"),
        (("\ufeff" + HEADER).encode(), "line 1: the file begins with a byte-order mark"),
        (HEADER.encode("utf-16"), "line 1: byte 0xff is not UTF-8"),
        (f"{HEADER}\nab\x00".encode(), "line 2: a zero byte"),
    ],
)
def test_a_wrong_encoding_is_named(content: bytes, problem: str) -> None:
    assert csv_problems(content)[0].startswith(problem)


def test_the_command_exits_2_and_lists_the_problems(tmp_path: Path) -> None:
    file = tmp_path / "mine.csv"
    file.write_text(f"{HEADER}\n{STAYED.replace('DSL', 'dsl')}\n{LEFT}")
    command = [sys.executable, "-S", "-m", "sparklab.customers_csv"]
    source = str(Path(__file__).parents[1] / "src")
    wrong = subprocess.run(
        [*command, str(file)], env={"PYTHONPATH": source}, capture_output=True, text=True, check=False
    )
    assert wrong.returncode == 2
    assert "line 2: column InternetService: got 'dsl'; expected one of DSL, Fiber optic, No." in wrong.stderr
    absent = subprocess.run(
        [*command, "absent.csv"], env={"PYTHONPATH": source}, capture_output=True, text=True, check=False
    )
    assert (absent.returncode, absent.stderr) == (2, "absent.csv: cannot be read: No such file or directory.\n")
