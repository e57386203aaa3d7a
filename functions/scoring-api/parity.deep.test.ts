/** Trains with Spark here and now, and compares all customers. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { parseBundle } from "./bundle";
import { Model } from "./model";
import { differences } from "./parity-testing";

const root = resolve(__dirname, "..", "..");
const folder = mkdtempSync(join(tmpdir(), "scoring-parity-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

it("gives Spark's probability for all 7,032 clean customers", async () => {
  const tools = JSON.parse(readFileSync(join(root, ".lab", "tools", "manifest.json"), "utf8")) as {
    javaHome: string;
    data: string;
    python: { clients: string };
  };
  const { clients } = tools.python;
  const environment = {
    ...process.env,
    JAVA_HOME: tools.javaHome,
    PYSPARK_PYTHON: clients,
    PYSPARK_DRIVER_PYTHON: clients,
    SPARK_HOME: undefined,
  };
  await promisify(execFile)(clients, [join(root, "pyspark", "tests", "spark_predictions.py"), tools.data, folder], {
    env: environment,
    maxBuffer: 2 ** 26,
  });
  const read = (file: string) => readFileSync(join(folder, file), "utf8");
  const all = differences(new Model(parseBundle(read("bundle.json"), folder)), read("predictions.jsonl"));
  expect(all).toHaveLength(7032);
  expect(Math.max(...all)).toBeLessThan(1e-9);
}, 600_000);
