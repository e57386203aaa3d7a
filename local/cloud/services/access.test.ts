/** Every method that this cloud serves says what it asks of who calls it. */
import { expect, test } from "@jest/globals";
import { readTools } from "../../engines/tools";
import { openContract } from "../contract/contract";
import { genericBehaviour } from "../engine/engine";
import { services } from ".";
import { testCloud } from "../testing";
import { hasRule } from "./bigquery/storage-access";
import { STORAGE_METHODS } from "./bigquery/storage-api";
import { ACCESS, accessOf } from "./access";
import { PREDEFINED_ROLES } from "./iam-roles";

const types = services.flatMap((service) => service.types);
const contract = openContract(
  readTools().descriptions,
  services.flatMap(({ apis }) => [...apis]),
);
const described = services.flatMap((service) =>
  service.apis.flatMap((api) => contract.description(api).methods.map((method) => ({ service, method }))),
);
const served = described
  .filter(
    ({ service, method }) => Object.hasOwn(service.methods, method.id) || genericBehaviour(method, service, types),
  )
  .map(({ method }) => method.id);

/** What services answer beside the described methods, and who asks for the permission there. */
const BESIDE: Record<string, string> = {
  "bigquery grpc": "storage-access.ts, before a message goes on",
  "bigquery undescribed": "the chunks of an upload, by who started it",
  "composer addresses": "front.ts: composer.environments.get",
  "dataproc addresses": "history.ts: dataproc.clusters.use",
  "pubsub grpc": "streaming.ts, with a stream's first message",
  "run addresses": "front.ts: run.routes.invoke",
  "storage undescribed": "guard.ts, or the described method that it stands for",
};

test("every served method has a row in a table of permissions", () => {
  expect([...new Set(served.filter((id) => !accessOf(id)))]).toEqual([]);
});

test("a method that is described and not served has no behaviour to be let through to, and is refused by its name", async () => {
  const lab = await testCloud({ services: services.filter(({ apis }) => apis[0] === "pubsub.v1") });
  const unserved = "GET https://pubsub.googleapis.com/v1/projects/sparklab-local/snapshots";
  expect(await lab.refusal(unserved)).toMatchObject({ status: "UNIMPLEMENTED" });
  await lab.close();
});

test("a row names only methods that Google describes", () => {
  const ids = new Set(described.map(({ method }) => method.id));
  // Rows for all collections of a name are for what those have, which differs.
  const rows = Object.values(ACCESS).flatMap(({ rows }) => Object.entries(rows).filter(([name]) => !/^\*/.test(name)));
  const named = rows.flatMap(([collection, row]) =>
    row
      .slice(row.indexOf(": ") + 2)
      .split(" ")
      .map((word) => `${collection}.${word.split("=")[0]}`),
  );
  expect(named.filter((id) => !ids.has(id))).toEqual([]);
});

test("what is answered beside the described methods asks for itself", () => {
  const found = services.flatMap((service) =>
    (["grpc", "undescribed", "addresses"] as const)
      .filter((kind) => service[kind])
      .map((kind) => `${service.apis[0]!.split(".")[0]} ${kind}`),
  );
  expect(found.sort()).toEqual(Object.keys(BESIDE).sort());
});

test("every method of the BigQuery Storage API has a rule", () => {
  expect(STORAGE_METHODS.filter((name) => !hasRule(name))).toEqual([]);
  expect(STORAGE_METHODS.length).toBeGreaterThan(8);
});

test("the owner has every permission that a method asks for", () => {
  const asked = new Set(served.flatMap((id) => accessOf(id)?.permissions ?? []));
  const owner = PREDEFINED_ROLES.get("roles/owner")!;
  expect([...asked].filter((permission) => !owner.includes(permission))).toEqual([]);
  expect(asked.size).toBeGreaterThan(100);
});

test("every table names its source", () => {
  for (const { source } of Object.values(ACCESS)) expect(source).toMatch(/^https:\/\/cloud\.google\.com\//);
});
