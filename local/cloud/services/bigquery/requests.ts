/** For tests: BigQuery and storage in process, without a door, and short ways to say requests. */
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { BigQueryEngine } from "../../../engines/interface";
import type { ApiError } from "../../errors";
import { OPERATOR } from "../../door/principals";
import type { Json, JsonObject } from "../../service";
import { testCloud, type TestCloud, type TestCloudOptions } from "../../testing";
import { storage } from "../storage";
import { writeObject } from "../storage/objects";
import { bigquery } from ".";
import { testEngine } from "./testing";

interface TableReference extends JsonObject {
  datasetId: string;
  tableId: string;
}

/** What tests read of BigQuery's answers, which have more; each answer has some of these. */
export interface Answer {
  etag: string;
  jobReference: { jobId: string };
  configuration: { query: { destinationTable: TableReference } };
  status: { state: string; errorResult: { reason: string; message: string; location?: string } };
  statistics: { creationTime: string; query: JsonObject; load: JsonObject };
  schema: { fields: JsonObject[] };
  rows: { f: { v: Json }[] }[] | undefined;
  pageToken: string;
  nextPageToken: string;
  totalItems: number;
  datasets: { id: string }[];
  tables: { id: string }[];
  jobs: Answer[];
  insertErrors: { index: number; errors: { reason: string }[] }[];
}

export interface TestBigQuery {
  readonly test: TestCloud;
  engine: BigQueryEngine;
  /** `api("GET datasets/d")`, below the project. */
  api: (request: string, body?: JsonObject) => Promise<Answer>;
  refusal: (request: string, body?: JsonObject) => Promise<ApiError>;
  /** Runs a job to its end and answers it, failed or not. */
  job: (configuration: JsonObject, jobReference?: JsonObject) => Promise<Answer>;
  /** The rows of a query, each as an array of texts. */
  rows: (query: string) => Promise<Json[][]>;
  put: (name: string, content: string | Buffer) => Promise<string>;
  /** Closes the cloud and opens it again on the same folder. */
  restart: () => Promise<void>;
  close: () => Promise<void>;
}

const BASE = "https://bigquery.googleapis.com/bigquery/v2/projects/sparklab-local";

/** Opens a cloud with a data set `d` and a bucket `files`. @param more services and engines beside BigQuery's own */
export async function openBigQuery(more: Partial<TestCloudOptions> = {}): Promise<TestBigQuery> {
  const folder = mkdtempSync(join(tmpdir(), "sparklab-bq-"));
  const engine = testEngine(join(folder, "bigquery"));
  let test = await testCloud(bigQueryParts(folder, engine, more));
  const url = (request: string) =>
    request.replace(/^(\w+) (.*)$/, (_, verb: string, path: string) => `${verb} ${BASE}/${path}`);
  const api: TestBigQuery["api"] = async (request, body) => (await test.rest(url(request), body)) as unknown as Answer;
  const job: TestBigQuery["job"] = async (configuration, jobReference = {}) => {
    let answer = await api("POST jobs", { configuration, jobReference });
    while (answer.status.state !== "DONE") {
      const { jobId } = answer.jobReference;
      if (configuration.query) await api(`GET queries/${jobId}?maxResults=0&timeoutMs=10000`).catch(() => undefined);
      answer = await api(`GET jobs/${jobId}`);
    }
    return answer;
  };
  await api("POST datasets", { datasetReference: { datasetId: "d" }, location: "us-central1" });
  await test.rest("POST https://storage.googleapis.com/storage/v1/b?project=sparklab-local", {
    ...{ name: "files", location: "us-central1", softDeletePolicy: { retentionDurationSeconds: "0" } },
  });
  return {
    get test() {
      return test;
    },
    ...{ engine, api, job },
    refusal: (request, body) => test.refusal(url(request), body, OPERATOR),
    rows: async (query) => {
      const answer = await api("POST queries", { query, useLegacySql: false, timeoutMs: 60_000 });
      return (answer.rows ?? []).map(({ f }) => f.map(({ v }) => v));
    },
    put: async (name, content) => {
      await writeObject(test.cloud, { bucket: "files", name }, content);
      return `gs://files/${name}`;
    },
    restart: async () => void (test = await test.restart()),
    close: () => test.close(),
  };
}

export const bigQueryParts = (folder: string, engine: BigQueryEngine, more: Partial<TestCloudOptions>) => ({
  services: [storage, bigquery, ...(more.services ?? [])],
  engines: { ...more.engines, bigquery: engine },
  folder,
});

export const table = (tableId: string, fields: JsonObject[], more: JsonObject = {}): JsonObject => ({
  ...{ tableReference: { projectId: "sparklab-local", datasetId: "d", tableId }, schema: { fields } },
  ...more,
});

export const into = (tableId: string): JsonObject => ({
  destinationTable: { projectId: "sparklab-local", datasetId: "d", tableId },
});

export const query = (text: string, more: JsonObject = {}): JsonObject => ({
  query: { query: text, useLegacySql: false, ...more },
});
