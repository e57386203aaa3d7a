/** For tests: what must be true of a lab whenever its cloud was ended, and when the batch has. */
import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "@jest/globals";
import { isRunning } from "../../process";
import type { JsonObject } from "../service";
import { BATCHES, BIGQUERY, QUESTION, ROWS, STORAGE } from "./batch-life-places";
import type { CloudProcess } from "./cloud-process";

interface Item {
  name: string;
  size: string;
  md5Hash: string;
  generation: string;
}

export class LabCheck {
  constructor(
    private readonly cloud: CloudProcess,
    private readonly id: string,
  ) {}

  /** True at any time, while the driver goes on, too. */
  async nothingIsHalfThere(): Promise<void> {
    await this.tables();
    await this.objects();
  }

  async atTheEnd(): Promise<{ batch: JsonObject; made: { tables: number; objects: number } }> {
    const { json: batch } = await this.ask(`GET ${BATCHES}/${this.id}`);
    expect(["SUCCEEDED", "FAILED", "CANCELLED"]).toContain(batch.state);
    const operation = await this.ask(`GET https://us-central1-dataproc.googleapis.com/v1/${batch.operation as string}`);
    expect(operation.json.done).toBe(true);
    const record = join(this.cloud.lab, "cloud", "batches", batch.uuid as string, "process.json");
    if (existsSync(record))
      expect(isRunning((JSON.parse(readFileSync(record, "utf8")) as { pid: number }).pid)).toBe(false);
    const parts = (await this.objects()).filter(
      ({ name }) => name.startsWith(`out_${this.named}/`) && name.includes("/part-"),
    );
    if (batch.state === "SUCCEEDED") this.noLeftovers();
    return { batch, made: { tables: await this.tables(), objects: parts.length } };
  }

  private get named(): string {
    return this.id.replaceAll("-", "_");
  }

  /** Whole tables. */
  private async tables(): Promise<number> {
    let whole = 0;
    for (const table of [`direct_${this.named}`, `loaded_${this.named}`]) {
      const { status, json } = await this.ask(`POST ${BIGQUERY}/queries`, {
        ...{ query: `SELECT COUNT(*), COUNT(DISTINCT id) FROM life.${table}`, useLegacySql: false, timeoutMs: 60_000 },
      });
      if (status === 404) continue;
      if (status !== 200) throw new Error(`${table}: ${status} ${JSON.stringify(json)}`);
      const [all, distinct] = ((json.rows as { f: { v: string }[] }[])[0]?.f ?? []).map(({ v }) => Number(v));
      // A table is made before its rows are committed at once.
      expect([table, [0, ROWS]]).toEqual([table, expect.arrayContaining([all])]);
      expect([table, distinct]).toEqual([table, all]);
      if (all === ROWS) whole += 1;
    }
    return whole;
  }

  /** Every object that is listed can be read and is what its record says, unless it was deleted meanwhile. */
  private async objects(): Promise<Item[]> {
    const { status, json } = await this.ask(`GET ${STORAGE}/storage/v1/b/life/o`);
    if (status !== 200) throw new Error(`objects: ${status} ${JSON.stringify(json)}`);
    const items = (json.items ?? []) as unknown as Item[];
    for (const { name, size, md5Hash, generation } of items) {
      const path = `${encodeURIComponent(name)}?alt=media&generation=${generation}`;
      const media = await this.ask(`GET ${STORAGE}/storage/v1/b/life/o/${path}`);
      if (media.status === 404) continue;
      const sum = createHash("md5").update(media.bytes).digest("base64");
      expect([name, String(media.bytes.length), sum]).toEqual([name, size, md5Hash]);
    }
    return items;
  }

  /** What was written to the end leaves no bytes where uploads wait. */
  private noLeftovers(): void {
    expect(readdirSync(join(this.cloud.lab, "cloud", "objects", "incoming"))).toEqual([]);
  }

  private ask(what: string, body?: JsonObject) {
    return this.cloud.send(what, body, QUESTION);
  }
}
