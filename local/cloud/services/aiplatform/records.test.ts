/** What Vertex AI keeps of models and metadata: versions in turn and in pages, nodes that are forgotten whole. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { JsonObject } from "../../service";
import { testCloud, type TestCloud } from "../../testing";
import { vertex } from "./versions";

const PARENT = "projects/sparklab-local/locations/us-central1";
const HOST = "https://us-central1-aiplatform.googleapis.com/v1";
let lab: TestCloud;
const rest = async (request: string, body?: JsonObject) =>
  (await lab.rest(request.replace(" ", ` ${HOST}/`), body)) as JsonObject;

beforeAll(async () => {
  lab = await testCloud({ services: vertex });
});
afterAll(() => lab.close());

test("versions of a model come in pages and in order, none is lost to a deletion, an old etag changes none", async () => {
  const model = { displayName: "churn" };
  const upload = (parentModel?: string) =>
    rest(`POST ${PARENT}/models:upload`, { model, ...(parentModel && { parentModel }) });
  const { model: name } = (await upload()).response as { model: string };
  await upload(name);
  await Promise.all([rest(`DELETE ${name}@2:deleteVersion`), upload(name), upload(name)]);
  const versions = async (query: string) => {
    const { models, nextPageToken } = await rest(`GET ${name}:listVersions${query}`);
    return { ids: (models as JsonObject[]).map(({ versionId }) => versionId), next: nextPageToken as string };
  };
  const first = await versions("?pageSize=2");
  const second = await versions(`?pageSize=2&pageToken=${first.next}`);
  expect([first.ids, second]).toEqual([["1", "3"], { ids: ["4"], next: undefined }]);
  expect((await versions("?orderBy=version_id%20desc")).ids).toEqual(["4", "3", "1"]);
  const { etag } = await rest(`GET ${name}`);
  const rename = (displayName: string) =>
    rest(`PATCH ${name}?updateMask=displayName`, { displayName, etag: etag as string });
  expect(await rename("one")).toMatchObject({ displayName: "one" });
  await expect(rename("two")).rejects.toThrow("does not match the current etag");
});

test("a metadata node that is made again under its name is in no context and in no event", async () => {
  const store = `${PARENT}/metadataStores/default`;
  await rest(`POST ${PARENT}/metadataStores?metadataStoreId=default`, {});
  await rest(`POST ${store}/contexts?contextId=run`, {});
  await rest(`POST ${store}/executions?executionId=train`, {});
  const make = () => rest(`POST ${store}/artifacts?artifactId=model`, {});
  await make();
  const [artifact, execution] = [`${store}/artifacts/model`, `${store}/executions/train`];
  await rest(`POST ${store}/contexts/run:addContextArtifactsAndExecutions`, {
    ...{ artifacts: [artifact], executions: [execution] },
  });
  await rest(`POST ${execution}:addExecutionEvents`, { events: [{ artifact, type: "OUTPUT" }] });
  const names = async () => {
    const graph = await rest(`GET ${store}/contexts/run:queryContextLineageSubgraph`);
    const of = (kind: string) => ((graph[kind] ?? []) as JsonObject[]).length;
    return [of("artifacts"), of("executions"), of("events")];
  };
  expect(await names()).toEqual([1, 1, 1]);
  await rest(`DELETE ${artifact}`);
  await make();
  expect(await names()).toEqual([0, 1, 0]);
});

test("a lineage is not filtered", async () => {
  const path = `${PARENT}/metadataStores/default/artifacts/model:queryArtifactLineageSubgraph?filter=uri%3Dx`;
  expect((await lab.refusal(`GET ${HOST}/${path}`)).status).toBe("UNIMPLEMENTED");
});
