/** For tests of the service: a cloud with scripted drivers, and the requests that most tests make. */
import { setTimeout as pause } from "node:timers/promises";
import type { JsonObject, Principal } from "../../service";
import { testCloud, type TestCloud } from "../../testing";
import { createImageEngine } from "../../../engines/images";
import { createServerEngine } from "../../../engines/servers";
import { iam } from "../iam";
import { storage } from "../storage";
import { dataproc } from ".";
import { listRuns } from "./batch-runs";
import { scriptedEngine, type ScriptedEngine } from "./scripted-engine";
import { listSessionRuns, sessionRunKey } from "./session-record";
import { text } from "./workload-rules";

export const HOST = "https://us-central1-dataproc.googleapis.com/v1";
export const PARENT = "projects/sparklab-local/locations/us-central1";
export const BATCHES = `${HOST}/${PARENT}/batches`;
export const ACCOUNT = "spark-jobs@sparklab-local.iam.gserviceaccount.com";
export const STAGING = "sparklab-local-staging";

/** A request for a batch; `execution` goes into its execution configuration. */
export const batch = (more: JsonObject = {}, execution: JsonObject = {}): JsonObject => ({
  pysparkBatch: { mainPythonFileUri: "gs://sparklab-local-code/jobs/job.py", args: ["--x", "1"] },
  environmentConfig: { executionConfig: { serviceAccount: ACCOUNT, stagingBucket: STAGING, ...execution } },
  runtimeConfig: { version: "2.3" },
  ...more,
});

export class BatchLab {
  private constructor(
    public lab: TestCloud,
    readonly engine: ScriptedEngine,
    private readonly time: { now?: Date },
  ) {}

  /** @param capacity how many batches fit at once */
  static async open(capacity = 10): Promise<BatchLab> {
    const engine = scriptedEngine(capacity);
    const time: { now?: Date } = {};
    const lab = await testCloud({ services, engines: enginesOf(engine), now: () => time.now ?? new Date() });
    await lab.rest("POST https://iam.googleapis.com/v1/projects/sparklab-local/serviceAccounts", {
      accountId: "spark-jobs",
    });
    await lab.rest("POST https://storage.googleapis.com/storage/v1/b?project=sparklab-local", { name: STAGING });
    return new BatchLab(lab, engine, time);
  }

  set clock(now: Date) {
    this.time.now = now;
  }

  create = async (id: string, body = batch(), query = ""): Promise<JsonObject> =>
    (await this.lab.rest(`POST ${BATCHES}?batchId=${id}${query}`, body)) as JsonObject;
  get = async (id: string): Promise<JsonObject> => (await this.lab.rest(`GET ${BATCHES}/${id}`)) as JsonObject;
  until = (id: string, state: string): Promise<JsonObject> =>
    waitFor(
      () => this.get(id),
      (found) => found.state === state,
    );
  cancel = ({ name }: JsonObject) => this.lab.rest(`POST ${HOST}/${text(name)}:cancel`, {});
  /** The finished operation of that name. */
  operation = ({ name }: JsonObject): Promise<JsonObject> =>
    waitFor(
      async () => (await this.lab.rest(`GET ${HOST}/${text(name)}`)) as JsonObject,
      ({ done }) => done === true,
    );
  /** How a request is refused: status and message. */
  refused = async (body: JsonObject, query = "?batchId=refused", as?: Principal): Promise<string> => {
    const { status, message } = await this.lab.refusal(`POST ${BATCHES}${query}`, body, as);
    return `${status}: ${message}`;
  };

  /** The cloud dies without closing its batches; the next one opens its state. The dead one's ports are still taken. */
  async die(): Promise<void> {
    const { cloud } = this.lab;
    for (const { key, run } of await listRuns(cloud)) await cloud.store.write({ put: { [key]: { ...run, port: 0 } } });
    for (const run of await listSessionRuns(cloud))
      await cloud.store.write({ put: { [sessionRunKey(run.uuid)]: { ...run, port: 0 } } });
    await cloud.store.close();
    const now = () => this.time.now ?? new Date();
    this.lab = await testCloud({ services, engines: enginesOf(this.engine), now, folder: cloud.folder });
  }

  restart = async (): Promise<void> => {
    this.lab = await this.lab.restart();
  };
  close = () => this.lab.close();
}

const services = [iam, storage, dataproc];
/** No image was ever built in these labs. */
const enginesOf = (spark: ScriptedEngine) => ({
  spark,
  sessions: spark.sessions,
  servers: createServerEngine({ python: "" }),
  images: createImageEngine({ python: "", folder: "/nonexistent" }),
});

/** Asks again until an answer is the expected one; the test's own time limit ends a wait that is in vain. */
export async function waitFor<T>(ask: () => Promise<T>, isExpected: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isExpected(answer)) return answer;
    await pause(20);
  }
}
