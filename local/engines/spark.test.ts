/** The engine with the real Spark: one small driver that is asked what it sees, and one that fails. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { SparkWorkload } from "./interface";
import { createSparkEngine } from "./spark";
import { readTools } from "./tools";

const SCRIPT = `
import os, sys
from pyspark.sql import SparkSession
from pyspark.sql.functions import udf
import helper

spark = SparkSession.builder.getOrCreate()
jvm = spark._jvm
print("arguments", sys.argv[1:])
print("helper", helper.WORD, "note", open(jvm.org.apache.spark.SparkFiles.get("note.txt")).read())
print("sum", spark.range(10).repartition(4).select(udf(lambda x: x + 1, "long")("id")).toDF("x").agg({"x": "sum"}).first()[0])
print("home", os.environ["HOME"] == os.path.join(sys.argv[1], "home"), "secret", "SOME_SECRET" in os.environ)
print("trust", jvm.java.lang.Thread.currentThread().getContextClassLoader().getResource(sys.argv[2]).toString().startswith("file:"))
if sys.argv[-1] == "fail":
    raise ValueError("as asked")
`;
const BUNDLE = "com/google/cloud/hadoop/repackaged/gcs/com/google/api/client/googleapis/google.p12";

const tools = readTools();
const engine = createSparkEngine(tools);
let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "spark engine "));
  for (const [name, text] of Object.entries({
    "main.py": SCRIPT,
    "helper.py": "WORD = 'zipped'",
    "note.txt": "a note",
  })) {
    writeFileSync(join(folder, name), text);
  }
  const certificate =
    "from cryptography import x509; from cryptography.hazmat.primitives.asymmetric import ec; from cryptography.hazmat.primitives import hashes, serialization; import datetime as d; k = ec.generate_private_key(ec.SECP256R1()); n = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'test')]); t = d.datetime.now(d.timezone.utc); print(x509.CertificateBuilder().subject_name(n).issuer_name(n).public_key(k.public_key()).serial_number(1).not_valid_before(t).not_valid_after(t + d.timedelta(1)).sign(k, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode())";
  writeFileSync(join(folder, "ca.pem"), execFileSync(tools.python.clients, ["-I", "-c", certificate]));
});
afterAll(() => rmSync(folder, { recursive: true }));

function workload(id: string, ...args: string[]): SparkWorkload {
  const file = (name: string) => pathToFileURL(join(folder, name)).href;
  const own = join(folder, id);
  return {
    ...{ id, folder: own, mainPythonFileUri: file("main.py"), args: [own, BUNDLE, ...args] },
    ...{ pythonFileUris: [file("helper.py")], jarFileUris: [], fileUris: [file("note.txt")], archiveUris: [] },
    properties: { "spark.executor.cores": "1", "spark.driver.memory": "1g", "spark.sql.shuffle.partitions": "2" },
    metadataHost: "127.0.0.1:9",
    door: {
      proxy: "http://127.0.0.1:9",
      caBundle: join(folder, "ca.pem"),
      caCertificate: join(folder, "ca.pem"),
      project: "p",
    },
  };
}

test("runs a driver in its own folder and environment, and reads its usage", async () => {
  process.env.SOME_SECRET = "x";
  const work = workload("good", "b c", "$x");
  const run = await engine.submit(work);
  expect(await run.ended).toEqual({ exitCode: 0, signal: null });
  const output = readFileSync(engine.driverOutput(work.folder), "utf8").split("\n");
  expect(output).toEqual([
    `arguments ['${work.folder}', '${BUNDLE}', 'b c', '$x']`,
    ...["helper zipped note a note", "sum 55", "home True secret False", "trust True", ""],
  ]);
  expect(await engine.eventLogs(work.folder)).toEqual([expect.stringMatching(/events\/local-\d+$/)]);
  const usage = await engine.usage(work.folder);
  expect(usage.milliDcuSeconds).toBeGreaterThan(100);
  expect(usage.shuffleStorageGb).toBeGreaterThan(0);
  await engine.tidy(work.folder);
  expect(await engine.usage(work.folder)).toEqual(usage);
}, 120_000);

test("gives the exit code and the traceback of a driver that fails", async () => {
  const work = workload("bad", "fail");
  expect(await (await engine.submit(work)).ended).toEqual({ exitCode: 1, signal: null });
  expect(readFileSync(engine.driverOutput(work.folder), "utf8")).toMatch(/Traceback[^]*\nValueError: as asked\n/);
}, 120_000);
