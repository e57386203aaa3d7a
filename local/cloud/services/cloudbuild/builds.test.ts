/** Builds: as the account that they name, of what lies in the bucket, into a repository; and every way to fail. */
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createImageEngine } from "../../../engines/images";
import { readTools } from "../../../engines/tools";
import { operationKey } from "../../engine/operations";
import type { JsonObject } from "../../service";
import { grantOnProject, testCloud, type TestCloud } from "../../testing";
import { artifactRegistry } from "../artifactregistry";
import { archiveOf } from "../cloudfunctions/testing";
import { cloudResourceManager } from "../cloudresourcemanager";
import { iam } from "../iam";
import { storage } from "../storage";
import { writeObject } from "../storage/objects";
import { cloudBuild } from ".";
import { buildBody, done } from "./testing";

const L = "projects/sparklab-local/locations/us-central1";
const REPOSITORIES = `https://artifactregistry.googleapis.com/v1/${L}/repositories`;
const BUILDS = `https://cloudbuild.googleapis.com/v1/${L}/builds`;
const BUILDER = "builder@sparklab-local.iam.gserviceaccount.com";
const image = (tag: string, repository = "images") =>
  `us-central1-docker.pkg.dev/sparklab-local/${repository}/api:${tag}`;

const folder = mkdtempSync(join(tmpdir(), "sparklab-builds-"));
let lab: TestCloud;
beforeAll(async () => {
  const images = createImageEngine({ python: readTools().python.clients, folder });
  const services = [...cloudResourceManager, iam, storage, artifactRegistry, cloudBuild];
  lab = await testCloud({ services, engines: { images }, folder });
  for (const accountId of ["builder", "stranger"])
    await lab.rest("POST https://iam.googleapis.com/v1/projects/sparklab-local/serviceAccounts", { accountId });
  for (const role of ["storage.objectViewer", "artifactregistry.writer"])
    await grantOnProject(lab.cloud, `roles/${role}`, `serviceAccount:${BUILDER}`);
  await lab.rest("POST https://storage.googleapis.com/storage/v1/b?project=sparklab-local", { name: "code" });
  const file = { Dockerfile: 'FROM node:22\nWORKDIR /app\nCOPY index.js .\nCMD ["node", "index.js"]', "index.js": "1" };
  await writeObject(lab.cloud, { bucket: "code", name: "api.zip" }, await archiveOf(file));
  await writeObject(lab.cloud, { bucket: "code", name: "bad.zip" }, await archiveOf({ Dockerfile: "FROM alpine:3" }));
  await lab.rest(`POST ${REPOSITORIES}?repositoryId=images`, { format: "DOCKER" });
});
afterAll(async () => {
  await lab.close();
  rmSync(folder, { recursive: true, force: true });
});

const build = async (body: JsonObject): Promise<JsonObject> => {
  const { name } = (await lab.rest(`POST ${BUILDS}`, body)) as JsonObject;
  return done(() => lab.rest(`GET https://cloudbuild.googleapis.com/v1/${name as string}`));
};

test("an image that was built is in the registry, under its tags, until the repository goes", async () => {
  for (const tag of ["1", "2"])
    expect(await build(buildBody(image(tag), "code", "api.zip", BUILDER))).toMatchObject({
      metadata: { build: { status: "SUCCESS" } },
      response: { results: { images: [{ name: image(tag) }] } },
    });
  const { dockerImages } = (await lab.rest(`GET ${REPOSITORIES}/images/dockerImages`)) as {
    dockerImages: JsonObject[];
  };
  expect(dockerImages).toEqual([expect.objectContaining({ tags: ["1", "2"] })]);
  expect(await lab.rest(`GET https://artifactregistry.googleapis.com/v1/${dockerImages[0]!.name as string}`)).toEqual(
    dockerImages[0],
  );
  const { builds } = (await lab.rest(`GET ${BUILDS}`)) as { builds: JsonObject[] };
  expect(builds.map(({ images }) => images)).toEqual([[image("2")], [image("1")]]);
  await lab.rest(`DELETE ${REPOSITORIES}/images`);
  await lab.rest(`POST ${REPOSITORIES}?repositoryId=images`, { format: "DOCKER" });
  expect(await lab.rest(`GET ${REPOSITORIES}/images/dockerImages`)).toEqual({});
});

describe("a build fails, and says so, when", () => {
  test.each<[string, JsonObject, string]>([
    ["its source is not there", buildBody(image("3"), "code", "lost.zip", BUILDER), "No such object"],
    ["its repository is not there", buildBody(image("3", "lost"), "code", "api.zip", BUILDER), "was not found"],
    ["its Dockerfile cannot be built", buildBody(image("3"), "code", "bad.zip", BUILDER), "line 1, FROM alpine:3"],
    [
      "its account may not read the source",
      buildBody(image("3"), "code", "api.zip", BUILDER.replace("builder", "stranger")),
      "storage.objects.get",
    ],
    [
      "the archive is another than was meant",
      {
        ...buildBody(image("3"), "code", "api.zip", BUILDER),
        source: { storageSource: { bucket: "code", object: "api.zip", generation: "7" } },
      },
      "expected 7",
    ],
  ])("%s", async (_, body, problem) => {
    const { error, metadata } = await build(body);
    expect((error as JsonObject).message).toContain(problem);
    expect(metadata).toMatchObject({ build: { status: "FAILURE", statusDetail: (error as JsonObject).message } });
  });
});

test("a request that asks for what cannot be built here gets every problem at once", async () => {
  const wrong = {
    ...buildBody("docker.io/x/y:1", "code", "source.tar.gz", BUILDER),
    steps: [{ name: "gcr.io/cloud-builders/npm", args: ["test"] }],
    serviceAccount: "me",
  };
  const { details } = await lab.refusal(`POST ${BUILDS}`, wrong);
  const fields = (details[0] as { fieldViolations: { field: string }[] }).fieldViolations.map(({ field }) => field);
  expect(fields).toEqual(["build.images", "build.source.storage_source", "build.service_account", "build.steps"]);
});

test("what a killed cloud left unfinished is built by the next one", async () => {
  const started = (await lab.rest(`POST ${BUILDS}`, buildBody(image("4"), "code", "api.zip", BUILDER))) as JsonObject;
  lab = await lab.restart();
  const ended = await done(() => lab.rest(`GET https://cloudbuild.googleapis.com/v1/${started.name as string}`));
  expect(ended).toMatchObject({ response: { status: "SUCCESS" } });
  // It may have died between the build's end and the operation's.
  const { response: _, ...pending } = ended;
  const key = operationKey(started.name as string);
  const stored = await lab.cloud.store.get(key);
  await lab.cloud.store.write({ put: { [key]: { ...stored, operation: { ...pending, done: false } } } });
  lab = await lab.restart();
  expect(await lab.rest(`GET https://cloudbuild.googleapis.com/v1/${started.name as string}`)).toEqual(ended);
});
