/**
 * How a change of each type is answered, beside the official provider: which properties replace (found by leaving each
 * one out of what it reads), and which request it was seen to make for a change in place.
 */
import { expect, test } from "@jest/globals";
import type { Properties } from "../values";
import type { GoogleHttp, GoogleRequest } from "./http";
import { gcpPackage } from "./provider";

const URN = "urn:pulumi:test::p::gcp:m:T::thing";
const REGION = "projects/lab-p/locations/us-central1";

function recording() {
  const asked: string[] = [];
  const call = async ({ method, url, query }: GoogleRequest): Promise<Properties> => {
    // The official provider names whole blocks, this one what changed inside: with the whole block sent, the same change.
    const blocks = new Set(query?.updateMask?.split(",").map((path) => path.split(".")[0]!));
    const mask = blocks.size > 0 ? ` ${[...blocks].join(",")}` : "";
    if (method !== "GET") asked.push(`${method} ${decodeURIComponent(new URL(url).pathname)}${mask}`);
    return { name: "x" };
  };
  const find = (url: string) => call({ method: "GET", url });
  const http: GoogleHttp = { call, find, remove: find, wait: async () => ({}) };
  return { asked, provider: gcpPackage({}, () => http).configure({ project: "lab-p", region: "us-central1" }, "/tmp") };
}

const changesOf = (type: string, before: Properties, change: Properties) => {
  const { provider, asked } = recording();
  const [inputs, news] = [before, { ...before, ...change }].map(
    (all) => provider.check(type, URN, all, undefined).inputs,
  );
  const { changes } = provider.diff(type, { id: "x", inputs: inputs!, outputs: {} }, news!);
  const update = () => provider.update(type, { id: "x", inputs: inputs!, outputs: { name: "x" } }, news!, {});
  return { told: changes.map(({ path, replaces }) => `${path}${replaces ? " replaces" : ""}`), update, asked };
};

const repository = { repositoryId: "spark", location: "us-central1", format: "DOCKER" };
const connection = { connectionId: "res", location: "us-central1", cloudResource: {} };
const routine = { datasetId: "lab", routineId: "proc", routineType: "PROCEDURE", definitionBody: "", language: "SQL" };
const job = { name: "cron", region: "us-central1", schedule: "0 1 * * *", httpTarget: { uri: "https://a.example" } };
const queue = { name: "runs-q", location: "us-central1", rateLimits: { maxConcurrentDispatches: 1 } };

test.each<[string, Properties, Properties, string]>([
  ["gcp:artifactregistry/repository:Repository", repository, { format: "PYTHON" }, "format"],
  ["gcp:bigquery/connection:Connection", connection, { connectionId: "other" }, "connectionId"],
  ["gcp:bigquery/dataset:Dataset", { datasetId: "lab", location: "US" }, { location: "EU" }, "location"],
  ["gcp:bigquery/routine:Routine", routine, { routineId: "other" }, "routineId"],
  ["gcp:bigquery/routine:Routine", routine, { routineType: "SCALAR_FUNCTION" }, "routineType"],
  ["gcp:bigquery/routine:Routine", routine, { datasetId: "other" }, "datasetId"],
  ["gcp:bigquery/table:Table", { datasetId: "d", tableId: "t" }, { tableId: "u" }, "tableId"],
  ["gcp:bigquery/table:Table", { datasetId: "d", tableId: "t" }, { datasetId: "e" }, "datasetId"],
  ["gcp:cloudscheduler/job:Job", job, { name: "other" }, "name"],
  ["gcp:cloudtasks/queue:Queue", queue, { name: "other" }, "name"],
])("%s %p with %p: replaced for its %s", (type, before, change, path) =>
  expect(changesOf(type, before, change).told).toEqual([`${path} replaces`]),
);

test.each<[string, Properties, Properties, string]>([
  [
    "gcp:artifactregistry/repository:Repository",
    repository,
    { description: "x" },
    `PATCH /v1/${REGION}/repositories/spark description`,
  ],
  [
    "gcp:bigquery/connection:Connection",
    connection,
    { friendlyName: "x" },
    `PATCH /v1/${REGION}/connections/res friendlyName`,
  ],
  [
    "gcp:cloudtasks/queue:Queue",
    queue,
    { rateLimits: { maxConcurrentDispatches: 2 } },
    `PATCH /v2/${REGION}/queues/runs-q rateLimits`,
  ],
  ["gcp:cloudscheduler/job:Job", job, { schedule: "0 2 * * *" }, `PATCH /v1/${REGION}/jobs/cron`],
  ["gcp:pubsub/topic:Topic", { name: "runs" }, { labels: { a: "1" } }, "PATCH /v1/projects/lab-p/topics/runs labels"],
  [
    "gcp:secretmanager/secret:Secret",
    { secretId: "lab-token", replication: { auto: {} } },
    { labels: { a: "1" } },
    "PATCH /v1/projects/lab-p/secrets/lab-token labels",
  ],
  [
    "gcp:bigquery/routine:Routine",
    routine,
    { definitionBody: "SELECT 1" },
    "PUT /bigquery/v2/projects/lab-p/datasets/lab/routines/proc",
  ],
])("%s %p with %p: %s", async (type, before, change, request) => {
  const { told, update, asked } = changesOf(type, before, change);
  expect(told.filter((line) => line.endsWith("replaces"))).toEqual([]);
  await update();
  expect(asked).toEqual([request]);
});

test("a function that is given what it does not know says what it knows", async () => {
  const { provider } = recording();
  expect(await provider.invoke("gcp:organizations/getProject:getProject", { id: "p" })).toEqual({
    outputs: {},
    failures: [{ property: "id", reason: "cannot be used here; can be: projectId" }],
  });
});
