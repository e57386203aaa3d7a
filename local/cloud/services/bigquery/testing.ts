/** For tests: a lab with door, storage and BigQuery, and ways to run Google's clients and Spark against it. */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { createBigQueryEngine } from "../../../engines/bigquery";
import type { BigQueryEngine, Engines } from "../../../engines/interface";
import { createSparkEngine } from "../../../engines/spark";
import { readTools } from "../../../engines/tools";
import { clientEnvironment } from "../../door/client-environment";
import { PROJECT } from "../../compose";
import { startCloud, type StartedCloud } from "../../main";
import { OPERATOR } from "../../door/principals";
import type { Json, JsonObject } from "../../service";
import { assertNoViolations } from "../../contract/validate";
import { services } from "..";
import { grantOnProject } from "../../testing";

const ACCOUNT = "spark-worker";

export interface TestLab {
  folder: string;
  started: StartedCloud;
  engine: BigQueryEngine;
  /** Variables that lead Google's clients here. */
  environment: Record<string, string>;
  /** One REST request in process, as the operator. */
  rest: (request: string, body?: JsonObject) => Promise<JsonObject>;
  /** Runs a script beside the tests with the Python that has Google's clients; answers what it printed. */
  python: (script: string, ...words: string[]) => Promise<string>;
  /** The same with Node. */
  node: (script: string, ...words: string[]) => Promise<string>;
  /** Runs a script beside the tests as a Spark driver, in a JVM of its own; answers what it printed. */
  spark: (script: string, ...words: string[]) => Promise<string>;
  /** Closes the cloud, fails if an answer broke Google's description, removes the folder. */
  close: () => Promise<void>;
}

export async function openTestLab(given?: { folder: string }): Promise<TestLab> {
  const folder = given?.folder ?? mkdtempSync(join(tmpdir(), "sparklab-bigquery-"));
  const tools = readTools();
  const engine = testEngine(join(folder, "cloud", "bigquery"));
  const spark = createSparkEngine(tools);
  const engines = { bigquery: engine, spark } as unknown as Engines;
  const started = await startCloud({ lab: folder, port: 0, services, engines, descriptions: tools.descriptions });
  const environment = clientEnvironment(folder);
  const run = async (program: string, script: string, words: string[]) => {
    const options = { env: { PATH: process.env.PATH, ...environment }, maxBuffer: 64 << 20 };
    return (await promisify(execFile)(program, [join(__dirname, script), ...words], options)).stdout;
  };
  let runs = 0;
  return {
    ...{ folder, started, engine, environment },
    rest: (request, body) => rest(started, request, body),
    python: (script, ...words) => run(tools.python.clients, script, words),
    node: (script, ...words) => run(process.execPath, script, words),
    spark: async (script, ...words) => {
      await ensureAccount(started);
      const metadata = await started.cloud.principals.metadataServer(
        `${ACCOUNT}@${PROJECT.id}.iam.gserviceaccount.com`,
      );
      const work = join(folder, `spark-${(runs += 1)}`);
      const run = await spark.submit({
        ...{ id: `test-${runs}`, folder: work, args: words, metadataHost: metadata.host },
        mainPythonFileUri: pathToFileURL(join(__dirname, script)).href,
        ...{ pythonFileUris: [], jarFileUris: [], fileUris: [], archiveUris: [] },
        properties: { "spark.executor.cores": "2", "spark.driver.memory": "1g", "spark.sql.shuffle.partitions": "2" },
        door: await started.cloud.door,
      });
      const { exitCode } = await run.ended;
      await metadata.close();
      const output = readFileSync(spark.driverOutput(work), "utf8");
      if (exitCode !== 0)
        throw new Error(`Spark driver ${script} ${words.join(" ")} ended with ${exitCode}:\n${output}`);
      return output;
    },
    close: async () => {
      await started.close();
      assertNoViolations(join(folder, "cloud"));
      rmSync(folder, { recursive: true });
    },
  };
}

export function testEngine(folder: string): BigQueryEngine {
  const { python, bigqueryHome } = readTools();
  const place = { project: PROJECT.id, location: "us-central1" };
  return createBigQueryEngine({ python: python.bigquery, home: bigqueryHome, folder, ...place });
}

async function rest({ api }: StartedCloud, request: string, body?: JsonObject): Promise<JsonObject> {
  const [verb = "GET", path = ""] = request.split(" ");
  const host = path.startsWith("/storage/") ? "storage.googleapis.com" : "bigquery.googleapis.com";
  return (await api.rest({ host, verb, path, ...(body && { body }) }, OPERATOR)) as JsonObject;
}

async function ensureAccount({ api, cloud }: StartedCloud): Promise<void> {
  const accounts = { host: "iam.googleapis.com", path: `/v1/projects/${PROJECT.id}/serviceAccounts` };
  const { accounts: known = [] } = (await api.rest({ ...accounts, verb: "GET" }, OPERATOR)) as { accounts?: Json[] };
  if (known.length > 0) return;
  await api.rest({ ...accounts, verb: "POST", body: { accountId: ACCOUNT } }, OPERATOR);
  const member = `serviceAccount:${ACCOUNT}@${PROJECT.id}.iam.gserviceaccount.com`;
  const roles = ["dataproc.worker", "bigquery.jobUser", "bigquery.readSessionUser", "bigquery.dataEditor"];
  for (const role of roles) await grantOnProject(cloud, `roles/${role}`, member);
}
