/** For tests: a lab whose cloud ends at points of a small batch's life, and what must be true of it afterwards. */
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "@jest/globals";
import { isRunning } from "../../process";
import type { JsonObject } from "../service";
import { CloudProcess } from "./cloud-process";

const PROJECT = "projects/sparklab-local";
const BATCHES = `https://us-central1-dataproc.googleapis.com/v1/${PROJECT}/locations/us-central1/batches`;
const STORAGE = "https://storage.googleapis.com";
const BIGQUERY = `https://bigquery.googleapis.com/bigquery/v2/${PROJECT}`;
const ROWS = 50;
const csv = ["id,text", ...Array.from({ length: ROWS }, (_, n) => `${n},text ${n}`)].join("\n");

export interface Plan {
  signal: NodeJS.Signals;
  /** Points where the process may be ended. */
  points: readonly string[];
  /** At most so many times in one batch's life. */
  most: number;
}

export class BatchLife {
  private constructor(
    readonly cloud: CloudProcess,
    private readonly points: string,
  ) {}

  static async open(): Promise<BatchLife> {
    const points = mkdtempSync(join(tmpdir(), "sparklab-points-"));
    const preload = [join(__dirname, "points.cjs")];
    const life = new BatchLife(await CloudProcess.start({ preload, environment: { FAULT_POINTS: points } }), points);
    await life.cloud.send(`POST ${STORAGE}/storage/v1/b?project=sparklab-local`, {
      name: "life",
      location: "us-central1",
    });
    await life.put("in.csv", csv);
    await life.put("small_batch.py", readFileSync(join(__dirname, "small_batch.py"), "utf8"));
    await life.cloud.send(`POST https://iam.googleapis.com/v1/${PROJECT}/serviceAccounts`, { accountId: "worker" });
    await life.cloud.send(`POST ${BIGQUERY}/datasets`, {
      datasetReference: { datasetId: "life" },
      location: "us-central1",
    });
    return life;
  }

  /** All points that a batch passes when nothing ends the cloud; what it does again is the same point. */
  async record(): Promise<string[]> {
    await this.live("life-all-0");
    return [...new Set(this.lines("passed"))].map((name) => `${name} #0`);
  }

  /**
   * Runs a batch to its end while the cloud ends where the plan says and is started again each time. Answers where it
   * ended, and the batch as it is then.
   */
  async live(id: string, plan?: Plan): Promise<{ ended: string[]; batch: JsonObject }> {
    for (const name of ["passed", "ended"]) rmSync(join(this.points, name), { force: true });
    writeFileSync(join(this.points, "plan.json"), JSON.stringify(plan ?? { points: [], most: 0 }));
    await this.renew();
    writeFileSync(join(this.points, "active"), "");
    let batch: JsonObject = {};
    while (!["SUCCEEDED", "FAILED", "CANCELLED"].includes(batch.state as string))
      batch = await this.look(id).catch(async () => {
        // No answer: the cloud has ended, or is about to.
        await this.cloud.ended();
        await this.renew();
        return {};
      });
    rmSync(join(this.points, "active"));
    // Points behind the last state may just be ending the cloud: what is looked at is what the next one finds.
    await this.renew();
    return { ended: this.lines("ended"), batch };
  }

  /** After whatever happened: no process without a batch, no half object, no half table. Answers what was made. */
  async check(id: string): Promise<{ tables: number; objects: number }> {
    const { json } = await this.cloud.send(`GET ${BATCHES}/${id}`);
    const record = join(this.cloud.lab, "cloud", "batches", json.uuid as string, "process.json");
    if (existsSync(record))
      expect(isRunning((JSON.parse(readFileSync(record, "utf8")) as { pid: number }).pid)).toBe(false);
    let tables = 0;
    for (const table of [`direct_${named(id)}`, `loaded_${named(id)}`]) {
      const { status, json: found } = await this.cloud.send(`POST ${BIGQUERY}/queries`, {
        ...{ query: `SELECT COUNT(*), COUNT(DISTINCT id) FROM life.${table}`, useLegacySql: false, timeoutMs: 60_000 },
      });
      if (status === 404) continue;
      const counts = ((found.rows as { f: { v: string }[] }[])[0]?.f ?? []).map(({ v }) => Number(v));
      // A table is made before its rows are committed at once.
      expect([table, [0, ROWS]]).toEqual([table, expect.arrayContaining([counts[0]])]);
      expect([table, counts[1]]).toEqual([table, counts[0]]);
      if (counts[0] === ROWS) tables += 1;
    }
    const listed = await this.cloud.send(`GET ${STORAGE}/storage/v1/b/life/o?prefix=out_${named(id)}/`);
    const items = (listed.json.items ?? []) as { name: string; size: string }[];
    for (const { name, size } of items) {
      const media = await this.cloud.send(`GET ${STORAGE}/storage/v1/b/life/o/${encodeURIComponent(name)}?alt=media`);
      expect([name, String(media.bytes.length)]).toEqual([name, size]);
    }
    const parts = items.filter(({ name }) => name.includes("/part-"));
    return { tables, objects: parts.length };
  }

  async close(): Promise<void> {
    await this.cloud.close();
    rmSync(this.points, { recursive: true });
  }

  /** The batch; submitted if it is not there, as a client does that got no answer. */
  private async look(id: string): Promise<JsonObject> {
    const found = await this.cloud.send(`GET ${BATCHES}/${id}`);
    if (found.status === 200) return found.json;
    if (found.status !== 404) throw new Error(`${id}: ${found.status} ${found.bytes.toString()}`);
    const execution = { serviceAccount: "worker@sparklab-local.iam.gserviceaccount.com", stagingBucket: "life" };
    const made = await this.cloud.send(`POST ${BATCHES}?batchId=${id}`, {
      pysparkBatch: { mainPythonFileUri: "gs://life/small_batch.py", args: ["life", "sparklab-local.life", named(id)] },
      environmentConfig: { executionConfig: execution },
      runtimeConfig: { properties: { "spark.sql.shuffle.partitions": "1", "spark.executor.instances": "1" } },
    });
    if (made.status !== 200 && made.status !== 409) throw new Error(`${id}: ${made.status} ${made.bytes.toString()}`);
    return {};
  }

  private async put(name: string, text: string): Promise<void> {
    const answer = await this.cloud.send(
      `POST ${STORAGE}/upload/storage/v1/b/life/o?uploadType=media&name=${name}`,
      Buffer.from(text),
    );
    expect(answer.status).toBe(200);
  }

  /** Ends the cloud if it runs, and starts it with the plan as it is now. */
  private async renew(): Promise<void> {
    const port = this.lastPort();
    if (this.cloud.isRunning) await this.cloud.kill();
    for (;;) {
      const ended = this.lines("ended").length;
      try {
        return await this.cloud.restart(port);
      } catch (error) {
        // A point of its start was one of the plan.
        if (this.lines("ended").length === ended) throw error;
      }
    }
  }

  private port = 0;
  private lastPort(): number {
    this.port ||= this.cloud.port;
    return this.port;
  }

  private lines(name: string): string[] {
    const file = join(this.points, name);
    appendFileSync(file, "");
    return readFileSync(file, "utf8").split("\n").filter(Boolean);
  }
}

const named = (id: string) => id.replaceAll("-", "_");
