/** Who may not is told so in Google's words; who may, by any binding that reaches the resource, goes on. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { authorize } from "./authorize";
import { bindingOf } from "../services/bigquery/guard";
import { services } from "../services";
import { writeObject } from "../services/storage/objects";
import { grantOnProject, testCloud, type TestCloud } from "../testing";
import type { Method } from "../contract/contract";
import { OPERATOR } from "../door/principals";
import type { Principal } from "../service";

const someone = (name: string): Principal => ({
  kind: "serviceAccount",
  email: `${name}@elsewhere.iam.gserviceaccount.com`,
  via: "accessToken",
});
const member = ({ email }: Principal) => `serviceAccount:${email}`;
const STORAGE = "https://storage.googleapis.com/storage/v1/b";
const TOPICS = "https://pubsub.googleapis.com/v1/projects/sparklab-local/topics";
const IAM = "https://iam.googleapis.com/v1/projects/sparklab-local";

let lab: TestCloud;
beforeAll(async () => {
  const without = services.filter(({ apis }) => /^(storage|pubsub|iam)\./.test(apis[0]!));
  lab = await testCloud({ services: without });
  await lab.rest(`POST ${STORAGE}?project=sparklab-local`, {
    name: "files",
    ...{ location: "us-central1", iamConfiguration: { uniformBucketLevelAccess: { enabled: true } } },
  });
  await lab.rest(`PUT ${TOPICS}/news`);
});
afterAll(() => lab.close());

test("storage tells who may not do what to an object", async () => {
  const refused = await lab.refusal(`GET ${STORAGE}/files/o/x`, undefined, someone("a"));
  expect([refused.http, refused.reason, refused.message]).toEqual([
    403,
    "forbidden",
    "a@elsewhere.iam.gserviceaccount.com does not have storage.objects.get access to the Google Cloud Storage object. Permission 'storage.objects.get' denied on resource (or it may not exist).",
  ]);
});

test("a bucket that is not there is not found, whoever asks", async () => {
  expect(await lab.refusal(`GET ${STORAGE}/absent`, undefined, someone("a"))).toMatchObject({ http: 404 });
});

test("a refusal names permission and resource", async () => {
  const refused = await lab.refusal(`GET ${TOPICS}/news`, undefined, someone("a"));
  expect(refused.body()).toMatchObject({
    error: {
      code: 403,
      message: "User not authorized to perform this action.",
      details: [
        {
          reason: "IAM_PERMISSION_DENIED",
          metadata: { permission: "pubsub.topics.get", resource: "projects/sparklab-local/topics/news" },
        },
      ],
    },
  });
});

test("a binding on the resource, and one on the project, let through", async () => {
  const [near, far] = [someone("near"), someone("far")];
  await lab.rest(`POST ${TOPICS}/news:setIamPolicy`, {
    policy: { bindings: [{ role: "roles/pubsub.viewer", members: [member(near)] }] },
  });
  await grantOnProject(lab.cloud, "roles/pubsub.viewer", member(far));
  for (const who of [near, far])
    expect(await lab.rest(`GET ${TOPICS}/news`, undefined, who)).toMatchObject({
      name: expect.stringMatching(/news$/),
    });
  expect(await lab.refusal(`DELETE ${TOPICS}/news`, undefined, near)).toMatchObject({ http: 403 });
});

test("a custom role counts until it is deleted", async () => {
  const who = someone("custom");
  await lab.rest(`POST ${IAM}/roles`, { roleId: "sees", role: { includedPermissions: ["pubsub.topics.get"] } });
  await grantOnProject(lab.cloud, "projects/sparklab-local/roles/sees", member(who));
  await lab.rest(`GET ${TOPICS}/news`, undefined, who);
  await lab.rest(`DELETE ${IAM}/roles/sees`);
  expect(await lab.refusal(`GET ${TOPICS}/news`, undefined, who)).toMatchObject({ http: 403 });
});

test("who may create objects may not replace one", async () => {
  const who = someone("creator");
  for (const role of ["roles/storage.objectCreator", "roles/storage.objectViewer"])
    await grantOnProject(lab.cloud, role, member(who));
  for (const name of ["part", "there"]) await writeObject(lab.cloud, { bucket: "files", name }, "text");
  const compose = (name: string) => `POST ${STORAGE}/files/o/${name}/compose`;
  const body = { sourceObjects: [{ name: "part" }] };
  await lab.rest(compose("new"), body, who);
  expect((await lab.refusal(compose("there"), body, who)).message).toMatch(/storage\.objects\.delete/);
});

test("a method without a row is refused by name, whoever calls", async () => {
  const method = { id: "storage.unknown.do" } as Method;
  const call = { methodId: method.id, path: {}, query: {}, body: {}, host: "" };
  for (const principal of [someone("a"), OPERATOR])
    await expect(authorize(method, { ...call, principal }, lab.cloud)).rejects.toThrow(
      "Method storage.unknown.do has no row in this cloud's tables",
    );
});

test.each([
  [{ role: "READER", userByEmail: "a@b.c" }, "roles/bigquery.dataViewer", ["user:a@b.c", "serviceAccount:a@b.c"]],
  [{ role: "OWNER", specialGroup: "projectOwners" }, "roles/bigquery.dataOwner", ["projectOwner:p"]],
  [{ role: "roles/bigquery.dataEditor", iamMember: "allUsers" }, "roles/bigquery.dataEditor", ["allUsers"]],
])("an entry %j of a data set's access list is a binding of %s", (entry, role, members) => {
  expect(bindingOf(entry, "p")).toEqual([{ role, members }]);
});

test("an authorised view of an access list is nobody's", () => {
  expect(bindingOf({ view: { tableId: "v" } }, "p")).toEqual([]);
});
