/** Session templates: what is stored, replaced and refused. */
import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { JsonObject } from "../../service";
import { BatchLab, HOST, PARENT } from "./testing";

let lab: BatchLab;
beforeEach(async () => {
  lab = await BatchLab.open();
});
afterEach(() => lab.close());

const COLLECTION = `${HOST}/${PARENT}/sessionTemplates`;
const NAME = `${PARENT}/sessionTemplates/lab-jupyter`;
const template = (more: JsonObject = {}): JsonObject => ({
  name: NAME,
  jupyterSession: { kernel: "PYTHON", displayName: "Lab" },
  runtimeConfig: { version: "2.3", properties: { "spark.executor.instances": "2" } },
  environmentConfig: { executionConfig: { ttl: "14400s", idleTtl: "1800s" } },
  ...more,
});
const rest = async (request: string, body?: JsonObject) => (await lab.lab.rest(request, body)) as JsonObject;

test("are stored as they were sent, with the fields that the service sets", async () => {
  const made = await rest(`POST ${COLLECTION}`, template({ labels: { a: "b" }, sparkConnectSession: null }));
  expect(made).toEqual({
    ...template({ labels: { a: "b" } }),
    ...{ uuid: expect.any(String), creator: "operator@sparklab.local" },
    ...{ createTime: expect.any(String), updateTime: made.createTime },
  });
  expect(await rest(`GET ${HOST}/${NAME}`)).toEqual(made);
  expect(await rest(`GET ${COLLECTION}`)).toEqual({ sessionTemplates: [made] });
  expect(await rest(`DELETE ${HOST}/${NAME}`)).toEqual({});
  expect((await lab.lab.refusal(`GET ${HOST}/${NAME}`)).status).toBe("NOT_FOUND");
});

test("are replaced as a whole by a PATCH, because it has no mask", async () => {
  const made = await rest(`POST ${COLLECTION}`, template({ labels: { a: "b" }, description: "first" }));
  const { jupyterSession: _gone, ...body } = template({
    jupyterSession: null,
    sparkConnectSession: {},
    runtimeConfig: { version: "3.0" },
  });
  const patched = await rest(`PATCH ${HOST}/${NAME}`, body);
  expect(patched).toMatchObject({ ...body, uuid: made.uuid!, createTime: made.createTime! });
  for (const field of ["labels", "description", "jupyterSession"]) expect(patched).not.toHaveProperty(field);
});

test.each<[string, JsonObject, string]>([
  [
    "without a kind",
    { jupyterSession: null },
    "Exactly one session configuration must be set: got none; expected one of jupyterSession, sparkConnectSession.",
  ],
  [
    "of two kinds",
    { sparkConnectSession: {} },
    "Exactly one session configuration must be set: got jupyterSession, sparkConnectSession; expected one of jupyterSession, sparkConnectSession.",
  ],
  [
    "of an unsupported runtime",
    { runtimeConfig: { version: "1.1" } },
    "Runtime version '1.1' is not supported. Supported versions: 2.3.",
  ],
  [
    "idle for a minute",
    { environmentConfig: { executionConfig: { idleTtl: "60s" } } },
    "idle_ttl: got 60s; expected between 600s (10 minutes) and 1209600s (14 days).",
  ],
  [
    "of another place",
    { name: NAME.replace("central1", "east1") },
    `Invalid name '${NAME.replace("central1", "east1")}': expected ${PARENT}/sessionTemplates/<id>.`,
  ],
])("are refused %s", async (_what, change, message) => {
  expect((await lab.lab.refusal(`POST ${COLLECTION}`, template(change))).message).toBe(message);
});
