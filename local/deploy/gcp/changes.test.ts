/**
 * How a change of each type is answered, beside the official provider: which properties replace (found by leaving each
 * one out of what it reads), and which request it was seen to make for a change in place.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "@jest/globals";
import type { Properties } from "../values";
import { changesOf, recording, REGION } from "./changes-testing";

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

/** One change of every further type that the lab declares, as the official provider was seen to make it. */
const SEEN = JSON.parse(readFileSync(join(__dirname, "testdata", "changes.json"), "utf8")) as {
  type: string;
  before: Properties;
  change: Properties;
  told: string[];
  asked: string[];
}[];

test.each(SEEN)(
  "$type is changed with $change as the official provider does it",
  async ({ type, before, change, ...seen }) => {
    const { told, update, asked } = changesOf(type, before, change);
    if (!told.some((line) => line.endsWith("replaces"))) await update();
    expect({ told, asked }).toEqual(seen);
  },
);

test("a function that is given what it does not know says what it knows", async () => {
  const { provider } = recording();
  expect(await provider.invoke("gcp:organizations/getProject:getProject", { id: "p" })).toEqual({
    outputs: {},
    failures: [{ property: "id", reason: "cannot be used here; can be: projectId" }],
  });
});
