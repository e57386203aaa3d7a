/** How the runners are chosen and counted, and how benches are judged. */
import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { lastObject } from "./bench-output.mjs";
import { benchesOf, reaches, trainingRows, tuningRows } from "./benches.mjs";
import { jestCounts, junitCounts, runnersOf, tapCounts } from "./runners.mjs";
import { closingLine, judge, select, sumOf } from "./summary.mjs";

const manifest = { javaHome: "/java", python: { clients: "/python" }, data: "/data.csv" };
const runners = runnersOf({ root: "/repo", manifest, reports: "/reports" });
const chosen = (options) =>
  select(runners, { deep: false, files: [], ...options }).map(({ runner, files }) => [runner.name, ...files]);

test("runs types, lint, jest, pytest and the end-to-end test by default, the deep ones alone when asked", () => {
  assert.deepEqual(chosen({}).flat(), [
    ...["pytest", "types", "eslint", "imports", "ruff", "set-up", "pipelines", "e2e"],
    "jest",
  ]);
  assert.deepEqual(chosen({ deep: true }).flat(), ["jest-deep", "pytest-deep", "dags"]);
});

test("runs the runners that are named, and refuses an unknown name with the list", () => {
  assert.deepEqual(chosen({ only: ["jest", "pytest"] }).flat(), ["pytest", "jest"]);
  assert.throws(() => chosen({ only: ["jset"] }), /--only: got jset; expected some of pytest, types, eslint/);
});

test("finds the runner of a file by its ending", () => {
  const files = [
    "local/a.test.ts",
    "local/b.deep.test.ts",
    "local/e2e.test.ts",
    "pyspark/tests/test_c.py",
    "pyspark/pipelines/test_p.py",
    "local/setup/d.test.mjs",
  ];
  assert.deepEqual(chosen({ files }), [
    ["pytest", "pyspark/tests/test_c.py"],
    ["set-up", "local/setup/d.test.mjs"],
    ["pipelines", "pyspark/pipelines/test_p.py"],
    ["e2e", "local/e2e.test.ts"],
    ["jest", "local/a.test.ts"],
    ["jest-deep", "local/b.deep.test.ts"],
  ]);
  assert.throws(() => chosen({ files: ["README.md"] }), /got README\.md; expected names that end in/);
});

test("counts jest's report, a file that could not be loaded included", () => {
  const report = {
    numPassedTests: 7,
    numFailedTests: 1,
    numRuntimeErrorTestSuites: 1,
    numPendingTests: 2,
    numTodoTests: 1,
  };
  assert.deepEqual(jestCounts(report), { passed: 7, failed: 2, skipped: 3 });
});

test("counts pytest's report", () => {
  const xml =
    '<?xml version="1.0"?><testsuites name="pytest tests"><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10" time="1.0"><testcase/></testsuite></testsuites>';
  assert.deepEqual(junitCounts(xml), { passed: 4, failed: 3, skipped: 3 });
});

test("counts the report of Node's runner", () => {
  assert.deepEqual(tapCounts("ok 1 - a\n# tests 6\n# pass 3\n# fail 1\n# cancelled 1\n# skipped 1\n# todo 0\n"), {
    passed: 3,
    failed: 2,
    skipped: 1,
  });
});

test("takes a runner that ends badly as failed although no test of it is", () => {
  const fine = { passed: 3, failed: 0, skipped: 0 };
  assert.deepEqual(judge({ count: () => fine }, 0), { counts: fine, problem: undefined });
  assert.deepEqual(judge({ count: () => fine }, 1), {
    counts: { ...fine, failed: 1 },
    problem: "ended with exit code 1",
  });
  assert.deepEqual(judge({ count: () => ({ ...fine, failed: 2 }) }, 1).counts, { ...fine, failed: 2 });
  assert.deepEqual(judge({ accepts: [5], count: () => ({ passed: 0, failed: 0, skipped: 0 }) }, 5).counts.failed, 0);
});

test("takes a runner without a report as failed, whatever its exit code", () => {
  const crashed = {
    count: () => {
      throw new Error("no report /x");
    },
  };
  assert.deepEqual(judge(crashed, 0), { counts: { passed: 0, failed: 1, skipped: 0 }, problem: "no report /x" });
});

test("closes with the sum in one plain line", () => {
  const total = sumOf([
    { passed: 1, failed: 2, skipped: 0 },
    { passed: 3, failed: 0, skipped: 0 },
  ]);
  assert.equal(closingLine(total), "4 passed, 2 failed");
  assert.equal(closingLine({ ...total, skipped: 5 }), "4 passed, 2 failed, 5 skipped");
});

test("finds benches by their files, beside those that are built in", () => {
  const root = mkdtempSync(join(tmpdir(), "benches-"));
  try {
    mkdirSync(join(root, "local", "bench"), { recursive: true });
    for (const file of ["start.ts", "control-plane.ts", "start.test.ts"])
      writeFileSync(join(root, "local", "bench", file), "");
    assert.deepEqual(
      benchesOf({ root, manifest }).map((bench) => bench.name),
      ["training", "tuning", "control-plane", "start"],
    );
  } finally {
    rmSync(root, { recursive: true });
  }
});

test("judges a bench by its ratio, or by its figure where nothing is compared", () => {
  assert.equal(reaches({ ours: 104, other: 100, goal: { atMost: 1.05 } }), true);
  assert.equal(reaches({ ours: 106, other: 100, goal: { atMost: 1.05 } }), false);
  assert.equal(reaches({ ours: 4000, goal: { atLeast: 5000 } }), false);
  assert.equal(reaches({ ours: 1, other: 2 }), undefined);
  const figures = {
    ours: { train_s: 3, area_roc: 0.85 },
    ours_on_the_labs_features: { area_roc: 0.84 },
    lab: { train_s: 12, area_roc: 0.85 },
    times_faster: 4,
    area_roc_difference: -0.01,
  };
  assert.deepEqual(trainingRows(figures).map(reaches), [false, false]);
  const tuned = { ours: { tune_s: 150, best_area_roc: 0.84, scores: 135 }, lab: { tune_s: 700, best_area_roc: 0.83 } };
  assert.deepEqual(tuningRows({ ...tuned, tune_s_ratio: 4.67 }).map(reaches), [true, true]);
  assert.deepEqual(tuningRows({ ...tuned, tune_s_ratio: 3.9 }).map(reaches), [false, true]);
});

test("reads the last object of a bench's output, in one line or several", () => {
  assert.deepEqual(lastObject('noise\n{"a": 1}\n'), { a: 1 });
  assert.deepEqual(lastObject('{"a": 1}\nmore\n{\n "b": {\n  "c": 2\n }\n}\n'), { b: { c: 2 } });
});
