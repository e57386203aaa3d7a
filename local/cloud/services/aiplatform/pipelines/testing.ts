/** For tests: a cloud behind its door that runs pipelines, their specs, and requests about them. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Engines, SparkEngine } from "../../../../engines/interface";
import { createPipelineEngine } from "../../../../engines/pipelines";
import { readTools } from "../../../../engines/tools";
import { assertNoViolations } from "../../../contract/validate";
import { OPERATOR } from "../../../door/principals";
import { textOf } from "../../../json";
import { grantOnProject } from "../../../testing";
import { startCloud, type StartedCloud } from "../../../main";
import type { Json, JsonObject } from "../../../service";
import { cloudResourceManager } from "../../cloudresourcemanager";
import { dataproc } from "../../dataproc";
import { scriptedEngine } from "../../dataproc/scripted-engine";
import { iam } from "../../iam";
import { storage } from "../../storage";
import { vertex } from "../versions";

export const HOST = "us-central1-aiplatform.googleapis.com";
export const PARENT = "projects/sparklab-local/locations/us-central1";
export const RUNNER = "pipeline-runner@sparklab-local.iam.gserviceaccount.com";
export const BUCKET = "sparklab-local-pipelines";

export const spec = (name: string) =>
  JSON.parse(readFileSync(join(__dirname, "testdata", `${name}.json`), "utf8")) as JsonObject;

export class PipelineLab {
  private constructor(
    readonly folder: string,
    public started: StartedCloud,
  ) {}

  /** Drivers of batches end as the test says. */
  static async open(spark = scriptedEngine(), now = () => new Date()): Promise<PipelineLab> {
    const folder = mkdtempSync(join(tmpdir(), "sparklab-pipelines-"));
    const lab = new PipelineLab(folder, await start(folder, spark, now));
    await lab.rest("POST", "iam.googleapis.com", "/v1/projects/sparklab-local/serviceAccounts", {
      accountId: "pipeline-runner",
    });
    const roles = ["storage.objectUser", "dataproc.serverlessEditor", "iam.serviceAccountUser", "aiplatform.user"];
    for (const role of roles) await grantOnProject(lab.started.cloud, `roles/${role}`, `serviceAccount:${RUNNER}`);
    await lab.rest("POST", "storage.googleapis.com", "/storage/v1/b?project=sparklab-local", { name: BUCKET });
    return lab;
  }

  rest = (verb: string, host: string, path: string, body?: JsonObject): Promise<Json> =>
    this.started.api.rest({ host, verb, path, ...(body && { body }) }, OPERATOR);

  create = async (
    id: string,
    pipeline: string | JsonObject,
    parameterValues: JsonObject = {},
    more: JsonObject = {},
  ): Promise<JsonObject> => {
    const { runtimeConfig = {}, ...rest } = more;
    const body: JsonObject = {
      pipelineSpec: typeof pipeline === "string" ? spec(pipeline) : pipeline,
      runtimeConfig: { gcsOutputDirectory: `gs://${BUCKET}/root`, parameterValues, ...(runtimeConfig as JsonObject) },
      serviceAccount: RUNNER,
      ...rest,
    };
    return (await this.rest("POST", HOST, `/v1/${PARENT}/pipelineJobs?pipelineJobId=${id}`, body)) as JsonObject;
  };

  get = async (id: string): Promise<JsonObject> =>
    (await this.rest("GET", HOST, `/v1/${PARENT}/pipelineJobs/${id}`)) as JsonObject;

  /** The job when it has come to an end, or to that state; the test's own time limit ends a wait that is in vain. */
  until = async (id: string, state = /SUCCEEDED|FAILED|CANCELLED/): Promise<JsonObject> => {
    for (;;) {
      const job = await this.get(id);
      if (state.test(textOf(job.state))) return job;
      await pause(30);
    }
  };

  /** Creates a job and waits for its end. */
  run = async (...job: Parameters<PipelineLab["create"]>): Promise<JsonObject> => {
    await this.create(...job);
    return this.until(job[0]);
  };

  async close(): Promise<void> {
    await this.started.close();
    assertNoViolations(join(this.folder, "cloud"));
    rmSync(this.folder, { recursive: true });
  }
}

function start(folder: string, spark: SparkEngine, now: () => Date): Promise<StartedCloud> {
  const tools = readTools();
  const engines = { pipelines: createPipelineEngine(tools), spark } as unknown as Engines;
  return startCloud({
    lab: folder,
    port: 0,
    services: [...cloudResourceManager, iam, storage, dataproc, ...vertex],
    engines,
    now,
    descriptions: tools.descriptions,
  });
}

/** Details by the task's place in the run, without `root/`. */
export function tasks(job: JsonObject): Record<string, JsonObject> {
  const details = ((job.jobDetail as JsonObject).taskDetails ?? []) as JsonObject[];
  return Object.fromEntries(details.map((detail) => [textOf(detail.taskUniqueName).replace(/^root\//, ""), detail]));
}

/** `{"add": "SUCCEEDED", ...}`. */
export const states = (job: JsonObject) =>
  Object.fromEntries(Object.entries(tasks(job)).map(([path, { state }]) => [path, state]));

export const output = (detail: JsonObject | undefined, name = "Output") =>
  ((detail?.execution as JsonObject | undefined)?.metadata as JsonObject | undefined)?.[`output:${name}`];
