/** The test runners: how each is called and how its own report is counted. */
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

/**
 * @typedef {{ passed: number, failed: number, skipped: number }} Counts
 * @typedef {object} Runner
 * @property {string} name
 * @property {boolean} deep           part of `npm run test:deep` instead of `npm test`
 * @property {boolean} [paired]       busy with about one core: two of these run at once, the others alone
 * @property {RegExp} [files]         files that it takes when some are named
 * @property {(files: string[]) => string[]} command
 * @property {object} [env]
 * @property {(code: number) => Counts} count
 */

/** All runners in the order in which they run. Reports go to `reports`. @returns {Runner[]} */
export function runnersOf({ root, manifest, reports }) {
  const bin = (name) => join(root, "node_modules", ".bin", name);
  return [
    // The longest of those that run two at a time; the next seven together take about as long.
    pytest({ name: "pytest", paired: true, manifest, reports, marker: "not deep" }),
    ...checks({ root, manifest, bin }),
    nodeTests({ root, reports }),
    pytest({
      name: "pipelines",
      paired: true,
      manifest,
      reports,
      marker: "not deep",
      folder: "pyspark/pipelines",
      python: manifest.python.pipelines,
      files: /pyspark\/pipelines\/.*\.py$/,
    }),
    jest({
      name: "e2e",
      paired: true,
      reports,
      bin,
      ignored: ["/node_modules/"],
      match: ["**/local/e2e.test.ts"],
      files: /e2e\.test\.ts$/,
    }),
    jest({
      name: "jest",
      reports,
      bin,
      ignored: ["/node_modules/", "\\.deep\\.test\\.ts$", "/local/e2e\\.test\\.ts$"],
    }),
    jest({
      name: "jest-deep",
      deep: true,
      reports,
      bin,
      ignored: ["/node_modules/"],
      match: ["**/*.deep.test.ts"],
      files: /\.deep\.test\.ts$/,
    }),
    pytest({ name: "pytest-deep", deep: true, manifest, reports, marker: "deep", files: /^$/ }),
    // Deep because its environment is made on demand alone; it takes seconds.
    pytest({
      name: "dags",
      deep: true,
      manifest,
      reports,
      marker: "not deep",
      folder: "pyspark/dags",
      python: manifest.python.airflow,
      files: /pyspark\/dags\/.*\.py$/,
    }),
  ];
}

/** A tool that only says yes or no counts as one test. */
function checks({ root, manifest, bin }) {
  const folders = ["stacks", "components", "local", "cli", "functions"];
  const ruffed = ["pyspark", "local"].map((folder) => join(root, folder));
  const count = (code) => ({ passed: code === 0 ? 1 : 0, failed: code === 0 ? 0 : 1, skipped: 0 });
  const commands = {
    types: [bin("tsc"), "--noEmit"],
    eslint: [bin("eslint"), "."],
    imports: [bin("depcruise"), "--config", ".dependency-cruiser.cjs", ...folders],
    ruff: [manifest.python.clients, "-m", "ruff", "check", "--no-cache", ...ruffed],
  };
  return Object.entries(commands).map(([name, command]) => ({
    ...{ name, deep: false, paired: true, count },
    command: () => command,
  }));
}

function nodeTests({ root, reports }) {
  const report = join(reports, "set-up.tap");
  const folder = join(root, "local", "setup");
  const all = () =>
    readdirSync(folder)
      .filter((file) => file.endsWith(".test.mjs"))
      .map((file) => join(folder, file));
  const reporters = [
    "--test-reporter=spec",
    "--test-reporter-destination=stdout",
    "--test-reporter=tap",
    `--test-reporter-destination=${report}`,
  ];
  return {
    name: "set-up",
    deep: false,
    paired: true,
    files: /\.test\.mjs$/,
    command: (files) => [process.execPath, "--test", ...reporters, ...(files.length > 0 ? files : all())],
    count: () => tapCounts(read(report)),
  };
}

function jest({ name, deep = false, paired, reports, bin, ignored, match, files = /(?<!e2e|\.deep)\.test\.ts$/ }) {
  const report = join(reports, `${name}.json`);
  const options = [
    ...ignored.flatMap((pattern) => ["--testPathIgnorePatterns", pattern]),
    ...(match ?? []).flatMap((pattern) => ["--testMatch", pattern]),
    // A process that a failed test left holds jest's output open: the whole run must end all the same.
    ...["--passWithNoTests", "--forceExit", "--json", "--outputFile", report],
  ];
  return {
    name,
    deep,
    paired,
    files,
    quiet: true,
    command: (named) => [bin("jest"), ...options, ...(named.length > 0 ? ["--runTestsByPath", ...named] : [])],
    count: () => jestCounts(JSON.parse(read(report))),
  };
}

/** Python tests but those of pipelines and DAGs, which need other environments. */
const TESTS = /^(?!.*pyspark\/(pipelines|dags)\/).*\.py$/;

function pytest({
  name,
  deep = false,
  paired,
  manifest,
  reports,
  marker,
  folder = "pyspark/tests",
  python,
  files = TESTS,
}) {
  const report = join(reports, `${name}.xml`);
  const { clients } = manifest.python;
  return {
    name,
    deep,
    paired,
    files,
    command: (named) => [
      ...[python ?? clients, "-m", "pytest", "-c", "pyspark/pyproject.toml", "-m", marker, `--junitxml=${report}`],
      ...(named.length > 0 ? named : [folder]),
    ],
    // The workers of Spark run the same Python as the driver; nothing of the machine's own Spark may come between.
    env: {
      JAVA_HOME: manifest.javaHome,
      PYSPARK_PYTHON: clients,
      PYSPARK_DRIVER_PYTHON: clients,
      SPARK_HOME: undefined,
    },
    // 5: none was selected, which the sum judges.
    accepts: [5],
    count: () => junitCounts(read(report)),
  };
}

/** @returns {Counts} */
export function jestCounts(report) {
  return {
    passed: report.numPassedTests,
    // A file that could not be loaded has no tests to count, yet it has failed.
    failed: report.numFailedTests + report.numRuntimeErrorTestSuites,
    skipped: report.numPendingTests + report.numTodoTests,
  };
}

/** @returns {Counts} */
export function junitCounts(xml) {
  const suites = [...xml.matchAll(/<testsuite\s([^>]*)>/g)].map(
    ([, text]) =>
      (name) =>
        Number(new RegExp(`\\b${name}="(\\d+)"`).exec(text)?.[1] ?? 0),
  );
  const sum = (name) => suites.reduce((total, attribute) => total + attribute(name), 0);
  const failed = sum("failures") + sum("errors");
  return { passed: sum("tests") - failed - sum("skipped"), failed, skipped: sum("skipped") };
}

/** @returns {Counts} */
export function tapCounts(tap) {
  const figure = (name) => Number(new RegExp(`^# ${name} (\\d+)$`, "m").exec(tap)?.[1] ?? 0);
  return {
    passed: figure("pass"),
    failed: figure("fail") + figure("cancelled"),
    skipped: figure("skipped") + figure("todo"),
  };
}

function read(report) {
  if (!existsSync(report)) throw new Error(`no report ${report}: the runner ended before it had written one`);
  return readFileSync(report, "utf8");
}
