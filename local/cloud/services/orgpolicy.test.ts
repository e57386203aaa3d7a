/** What the organization policies that the program can set forbid: the calls that violate them, and those that do not. */
import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import type { ApiError } from "../errors";
import type { JsonObject } from "../service";
import { testCloud, type TestCloud } from "../testing";
import { compute } from "./compute";
import { iam } from "./iam";
import { notebooks } from "./notebooks";
import { orgPolicy } from "./orgpolicy";
import { storage } from "./storage";

const P = "projects/sparklab-local";
const POLICIES = `https://orgpolicy.googleapis.com/v2/${P}/policies`;
const BUCKETS = "https://storage.googleapis.com/storage/v1/b";
const ACCOUNT = `${P}/serviceAccounts/machine@sparklab-local.iam.gserviceaccount.com`;
let lab: TestCloud;
beforeAll(async () => {
  lab = await testCloud({ services: [orgPolicy, iam, storage, notebooks, ...compute] });
  await lab.rest(`POST https://iam.googleapis.com/v1/${P}/serviceAccounts`, { accountId: "machine" });
});
afterEach(async () => {
  const { policies = [] } = (await lab.rest(`GET ${POLICIES}`)) as { policies?: { name: string }[] };
  for (const { name } of policies) await lab.rest(`DELETE https://orgpolicy.googleapis.com/v2/${name}`);
});
afterAll(() => lab.close());

const enforce = (constraint: string, on = true) =>
  lab.rest(`POST ${POLICIES}`, { name: `${P}/policies/${constraint}`, spec: { rules: [{ enforce: on }] } });
const constraintOf = ({ details }: ApiError) => (details[0]?.violations as JsonObject[])[0]?.type;
const bucket = (name: string, iamConfiguration: JsonObject): [string, JsonObject] => [
  `POST ${BUCKETS}?project=sparklab-local`,
  { name, iamConfiguration },
];
const machine = (id: string, gceSetup: JsonObject): [string, JsonObject] => [
  `POST https://notebooks.googleapis.com/v2/${P}/locations/us-central1-a/instances?instanceId=${id}`,
  { gceSetup: { serviceAccounts: [{ email: ACCOUNT.split("/").at(-1)! }], ...gceSetup } },
];
const shielded = { shieldedInstanceConfig: { enableSecureBoot: true } };

test.each([
  ["storage.uniformBucketLevelAccess", 412, bucket("lists", {}), bucket("uniform", uniform(true))],
  [
    "iam.disableServiceAccountKeyCreation",
    400,
    [`POST https://iam.googleapis.com/v1/${ACCOUNT}/keys`, {}],
    [`GET https://iam.googleapis.com/v1/${ACCOUNT}/keys`],
  ],
  ["compute.requireShieldedVm", 400, machine("plain", {}), machine("shielded", shielded)],
  [
    "compute.requireOsLogin",
    400,
    machine("keys", { metadata: { "enable-oslogin": "false" } }),
    machine("login", { metadata: { "enable-oslogin": "true" } }),
  ],
  [
    "compute.disableSerialPortLogging",
    400,
    machine("logs", { metadata: { "serial-port-logging-enable": "true" } }),
    machine("quiet", {}),
  ],
] as [string, number, [string, JsonObject?], [string, JsonObject?]][])(
  "%s refuses what violates it with %i, and nothing else",
  async (constraint, http, violating, fine) => {
    await enforce(constraint);
    const refusal = await lab.refusal(...violating);
    expect([refusal.http, constraintOf(refusal)]).toEqual([http, `constraints/${constraint}`]);
    await lab.rest(...fine);
    await lab.rest(`DELETE ${POLICIES}/${constraint}`);
    await enforce(constraint, false);
    await lab.rest(...violating);
  },
);

test("public access is prevented by the constraint, and by the bucket itself", async () => {
  await lab.rest(...bucket("guarded", uniform(true)));
  const share = () => shareWithAll("guarded");
  const before = await lab.rest(`GET ${BUCKETS}/guarded/iam`);
  await lab.rest(...share());
  await lab.rest(`PUT ${BUCKETS}/guarded/iam`, { bindings: (before as JsonObject).bindings! });
  await enforce("storage.publicAccessPrevention");
  const refusal = await lab.refusal(...share());
  expect([refusal.http, constraintOf(refusal)]).toEqual([412, "constraints/storage.publicAccessPrevention"]);
  await lab.rest(`DELETE ${POLICIES}/storage.publicAccessPrevention`);
  await lab.rest(`PATCH ${BUCKETS}/guarded`, { iamConfiguration: { publicAccessPrevention: "enforced" } });
  expect((await lab.refusal(...share())).http).toBe(412);
});

test("a bucket that is uniform cannot be made otherwise under the constraint, one that is not may stay", async () => {
  await lab.rest(...bucket("older", {}));
  await lab.rest(...bucket("turning", uniform(true)));
  await enforce("storage.uniformBucketLevelAccess");
  await lab.rest(`PATCH ${BUCKETS}/older`, { labels: { a: "b" } });
  const refusal = await lab.refusal(`PATCH ${BUCKETS}/turning`, { iamConfiguration: uniform(false) });
  expect(refusal.message).toBe("Request violates constraint 'constraints/storage.uniformBucketLevelAccess'");
});

function uniform(enabled: boolean): JsonObject {
  return { uniformBucketLevelAccess: { enabled } };
}

function shareWithAll(name: string): [string, JsonObject] {
  const bindings = [
    { role: "roles/storage.objectViewer", members: ["allUsers"] },
    { role: "roles/storage.legacyBucketOwner", members: ["projectOwner:sparklab-local"] },
  ];
  return [`PUT ${BUCKETS}/${name}/iam`, { bindings }];
}
