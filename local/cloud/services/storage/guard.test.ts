/** What replaces or removes an object needs the permission to delete it, wherever the request says its name. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { OPERATOR } from "../../door/principals";
import type { JsonObject, Principal } from "../../service";
import { expectOk, multipart, type Send, testStorage, type TestStorage } from "./testing";

const creator: Principal = { kind: "user", email: "creator@example.com", via: "accessToken" };
const UPLOAD = "/upload/storage/v1/b/kept/o?uploadType=";
let sender: Principal = OPERATOR;
let storage: TestStorage;

beforeAll(async () => {
  storage = await testStorage({ as: () => sender });
  await storage.bucket("kept");
  await storage.put("kept", "old");
  const members = [`user:${creator.email}`];
  const bindings = ["roles/storage.objectCreator", "roles/storage.objectViewer"].map((role) => ({ role, members }));
  expectOk(await storage.send("PUT", "/storage/v1/b/kept/iam", { body: { bindings } }));
  sender = creator;
});
afterAll(() => storage.close());

const json = (body: JsonObject): Send => ({ body });
test.each<[string, string, (name: string) => Send]>([
  ["an upload that names it in its address", `${UPLOAD}media&name=NAME`, () => ({ body: "new" })],
  ["an upload that names it with its bytes", `${UPLOAD}multipart`, (name) => multipart({ name }, "new")],
  ["a resumable upload", `${UPLOAD}resumable`, (name) => json({ name })],
  [
    "a composition",
    "/storage/v1/b/kept/o/NAME/compose",
    () => json({ sourceObjects: [{ name: "old" }], destination: {} }),
  ],
])("%s makes an object, and replaces none, with the permission to create alone", async (what, path, sent) => {
  const name = what.replaceAll(" ", "-");
  expect((await storage.send("POST", path.replace("NAME", name), sent(name))).status).toBe(200);
  const refused = await storage.send("POST", path.replace("NAME", "old"), sent("old"));
  expect([refused.status, JSON.stringify(refused.json)]).toEqual([
    403,
    expect.stringContaining("storage.objects.delete"),
  ]);
});

test("a composition that removes its sources needs the permission to delete", async () => {
  const body = { sourceObjects: [{ name: "old" }], destination: {}, deleteSourceObjects: true };
  expect((await storage.send("POST", "/storage/v1/b/kept/o/whole/compose", { body })).status).toBe(403);
});
