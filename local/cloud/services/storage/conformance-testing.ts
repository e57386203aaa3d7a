/**
 * For tests: tables of rules, one row each: the page of the real service's documentation, what is so, and how it shows.
 * The rows of a file share a server, whose clock goes on by a millisecond with each look.
 */
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, it } from "@jest/globals";
import type { JsonObject } from "../../service";
import { type Send, type TestStorage, testStorage } from "./testing";

export type Row = [page: string, does: string, run: () => Promise<void>];

const SOFT = { softDeletePolicy: { retentionDurationSeconds: "604800" } };

export class Conformance {
  private server!: TestStorage;
  private clock = Date.parse("2026-01-01T00:00:00Z");

  /** @param prepare makes what all rows find */
  constructor(prepare: (s: Conformance) => Promise<unknown> = () => Promise.resolve()) {
    beforeAll(async () => {
      this.server = await testStorage({ now: () => new Date((this.clock += 1)) });
      await prepare(this);
    });
    afterAll(() => this.server.close());
  }

  /** With buckets that keep what is replaced or deleted: `versions` and `soft` beside `data`. */
  static keeping(): Conformance {
    return new Conformance(async (s) => {
      await s.bucket("data");
      await s.bucket("versions", { versioning: { enabled: true } });
      await s.bucket("soft", SOFT);
    });
  }

  /** With an object `ten` of ten bytes in the bucket `data`. */
  static withTen(): Conformance {
    return new Conformance(async (s) => {
      await s.bucket("data");
      await s.put("data", "ten", "0123456789");
    });
  }

  check(what: string, rows: readonly Row[]): void {
    describe(what, () => {
      it.each(rows)("[%s] %s", (_page, _does, run) => run());
    });
  }

  send: TestStorage["send"] = (...request) => this.server.send(...request);
  bucket: TestStorage["bucket"] = (...made) => this.server.bucket(...made);
  put: TestStorage["put"] = (...object) => this.server.put(...object);

  get = (path: string, headers: Record<string, string> = {}) => this.send("GET", path, { headers });
  upload = (query: string, send: Send) => this.send("POST", `/upload/storage/v1/b/data/o?${query}`, send);
  insertBucket = (body: JsonObject, query = "project=sparklab-local") =>
    this.send("POST", `/storage/v1/b?${query}`, { body });

  /** What an object holds. */
  async media(path: string): Promise<string> {
    return (await this.send("GET", `${path}${path.includes("?") ? "&" : "?"}alt=media`)).body.toString();
  }

  /** Bytes of uploads that are under way. */
  leftovers = (): string[] => readdirSync(join(this.server.test.cloud.folder, "objects", "incoming"));

  pass(milliseconds: number): void {
    this.clock += milliseconds;
  }
}

export const DAY = 86400 * 1000;

/** Path of an object. */
export const O = (name: string, bucket = "data") => `/storage/v1/b/${bucket}/o/${encodeURIComponent(name)}`;
