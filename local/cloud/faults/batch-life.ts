/** For tests: a lab whose cloud ends at points of a small batch's life and is started again each time. */
import { appendFileSync, cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "@jest/globals";
import writeFileAtomic from "write-file-atomic";
import type { JsonObject } from "../service";
import { clientsPython } from "../testing";
import { LabCheck } from "./batch-life-check";
import { BATCHES, BIGQUERY, PROJECT, QUESTION, ROWS, STORAGE, WORKER } from "./batch-life-places";
import { type Answer, CloudProcess } from "./cloud-process";

const LOOK_MS = 50;
/** A batch that has come no further for so long after an end stands there for ever. */
const PATIENCE_MS = 300_000;
/** The last that is stored for a batch: its run is forgotten. */
const LAST = /^state: del dataproc\/runs\//;
const csv = ["id,text", ...Array.from({ length: ROWS }, (_, n) => `${n},text ${n}`)].join("\n");

/** Who makes a batch's calls: Spark, or a small program that makes the same kinds of calls in a second. */
export type Driver = "spark" | "small";

export interface Plan {
  signal: NodeJS.Signals;
  /** Points where the process may be ended. */
  points: readonly string[];
}

export interface Life {
  /** Where the cloud ended. */
  ended: string[];
  /** What was passed, each once. */
  passed: string[];
  batch: JsonObject;
  /** What the batch has made. */
  made: { tables: number; objects: number };
}

/** A lab with all that a batch needs, its cloud stopped: copies of it start at once. */
export async function prepareLab(): Promise<string> {
  const lab = mkdtempSync(join(tmpdir(), "sparklab-life-"));
  const cloud = await CloudProcess.start({ lab });
  const put = (name: string, text: string) =>
    cloud.send(`POST ${STORAGE}/upload/storage/v1/b/life/o?uploadType=media&name=${name}`, Buffer.from(text));
  const answers = [
    await cloud.send(`POST ${STORAGE}/storage/v1/b?project=sparklab-local`, { name: "life", location: "us-central1" }),
    await put("in.csv", csv),
    await put("small_batch.py", readFileSync(join(__dirname, "small_batch.py"), "utf8")),
    await cloud.send(`POST https://iam.googleapis.com/v1/${PROJECT}/serviceAccounts`, { accountId: "worker" }),
    await cloud.send(`POST ${BIGQUERY}/datasets`, {
      datasetReference: { datasetId: "life" },
      location: "us-central1",
    }),
  ];
  answers.push(await grantWorker(cloud));
  expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
  await cloud.stop();
  return lab;
}

/** What the program gives the account of its batches, here on the project. */
async function grantWorker(cloud: CloudProcess): Promise<Answer> {
  const project = `https://cloudresourcemanager.googleapis.com/v1/${PROJECT}`;
  const { json: policy } = await cloud.send(`POST ${project}:getIamPolicy`, {});
  const roles = ["dataproc.worker", "bigquery.jobUser", "bigquery.readSessionUser", "bigquery.dataEditor"];
  const members = [`serviceAccount:${WORKER}`];
  const bindings = [
    ...((policy.bindings ?? []) as JsonObject[]),
    ...roles.map((role) => ({ role: `roles/${role}`, members })),
  ];
  return cloud.send(`POST ${project}:setIamPolicy`, { policy: { ...policy, bindings } });
}

export class BatchLife {
  private readonly port: number;

  private constructor(
    readonly cloud: CloudProcess,
    private readonly points: string,
  ) {
    // Running drivers know it: it stays.
    this.port = cloud.port;
  }

  static async open(prepared: string, driver: Driver): Promise<BatchLife> {
    const lab = mkdtempSync(join(tmpdir(), "sparklab-life-"));
    cpSync(prepared, lab, { recursive: true });
    const points = join(lab, "points");
    mkdirSync(points);
    const small = [clientsPython(), join(__dirname, "small_driver.py")];
    const environment = { FAULT_POINTS: points, ...(driver === "small" && { FAULT_DRIVER: JSON.stringify(small) }) };
    const preload = [join(__dirname, "points.cjs")];
    return new BatchLife(await CloudProcess.start({ lab, preload, environment }), points);
  }

  /**
   * Runs a batch to its end, until all about it is stored, while the cloud ends where the plan says. After each end the
   * next cloud answers, and nothing is half there; at last no process is left and the batch has its last state.
   */
  async live(id: string, plan: Plan = { signal: "SIGKILL", points: [] }): Promise<Life> {
    const file = join(this.points, "plan.json");
    // What was passed is read by the next process, too: it must never see half a plan.
    writeFileAtomic.sync(file, JSON.stringify({ id, ...plan, most: plan.points.length }));
    const check = new LabCheck(this.cloud, id);
    const passed = () => this.lines(`${id}.passed`);
    let [ends, since] = [0, Date.now()];
    while (!passed().some((point) => LAST.test(point)) || this.lines(`${id}.ended`).length > ends) {
      const ended = this.lines(`${id}.ended`).length;
      if (ended > ends) {
        await this.startAgain(id);
        [ends, since] = [this.lines(`${id}.ended`).length, Date.now()];
        await this.unlessItEnds(id, () => check.nothingIsHalfThere());
      } else await this.unlessItEnds(id, () => this.submitOnce(id));
      if (Date.now() - since > PATIENCE_MS)
        throw new Error(`${id}: got to no end after ${this.lines(`${id}.ended`).at(-1)}`);
      await pause(LOOK_MS);
    }
    rmSync(file);
    return { ended: this.lines(`${id}.ended`), passed: [...new Set(passed())], ...(await check.atTheEnd()) };
  }

  close(): Promise<void> {
    return this.cloud.close();
  }

  /** The batch is there; submitted if it is not, as a client does that got no answer. */
  private async submitOnce(id: string): Promise<void> {
    const found = await this.cloud.send(`GET ${BATCHES}/${id}`, undefined, QUESTION);
    if (found.status === 200) return;
    if (found.status !== 404) throw new Error(`${id}: ${found.status} ${found.bytes.toString()}`);
    const execution = { serviceAccount: WORKER, stagingBucket: "life" };
    const args = ["life", "sparklab-local.life", id.replaceAll("-", "_")];
    const made = await this.cloud.send(`POST ${BATCHES}?batchId=${id}`, {
      pysparkBatch: { mainPythonFileUri: "gs://life/small_batch.py", args },
      environmentConfig: { executionConfig: execution },
      runtimeConfig: { properties: { "spark.sql.shuffle.partitions": "1", "spark.executor.instances": "1" } },
    });
    if (made.status !== 200 && made.status !== 409) throw new Error(`${id}: ${made.status} ${made.bytes.toString()}`);
  }

  /** Something that asks the cloud: no answer is only right if the cloud has ended meanwhile, or is about to. */
  private async unlessItEnds(id: string, work: () => Promise<void>): Promise<void> {
    const ended = this.lines(`${id}.ended`).length;
    await work().catch((error: unknown) => {
      if (this.lines(`${id}.ended`).length === ended) throw error;
    });
  }

  private async startAgain(id: string): Promise<void> {
    await this.cloud.ended();
    for (;;) {
      const ended = this.lines(`${id}.ended`).length;
      try {
        return await this.cloud.restart(this.port);
      } catch (error) {
        // A point of its start was one of the plan.
        if (this.lines(`${id}.ended`).length === ended) throw error;
      }
    }
  }

  private lines(name: string): string[] {
    const file = join(this.points, name);
    appendFileSync(file, "");
    return readFileSync(file, "utf8").split("\n").filter(Boolean);
  }
}

/** Does work in labs of its own that are copies of one, as many at once as the machine has room for. */
export async function inLabs<T>(
  prepared: string,
  driver: Driver,
  atOnce: number,
  work: readonly T[],
  run: (life: BatchLife, piece: T) => Promise<void>,
): Promise<void> {
  const left = [...work];
  const lane = async () => {
    const life = await BatchLife.open(prepared, driver);
    try {
      for (let piece = left.shift(); piece !== undefined; piece = left.shift()) await run(life, piece);
    } finally {
      await life.close();
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, left.length) }, lane));
}

/** What the cloud does at a point: the method and the collection, or what is put and deleted, without names. */
export const kindOf = (point: string) =>
  point
    .replace(/ #\d+$| of \S+/g, "")
    .replace(/\/o\/\S+\/rewriteTo\/\S+/, "/o/O/rewriteTo")
    .replace(/\/o\/(?!O\/rewriteTo)\S+/, "/o/O")
    .replace(/\/(jobs|queries|datasets|tables)\/[^/ ]+/g, "/$1/X")
    .replace(/life@N\/[^,]*?(?=,| is written)/g, "life@N/O");
