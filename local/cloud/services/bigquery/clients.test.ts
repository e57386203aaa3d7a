/** Google's own clients, unmodified, through the door: the checks are in client_checks.py and client-checks.mjs. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { openTestLab, type TestLab } from "./testing";

jest.setTimeout(240_000);
let lab: TestLab;
beforeAll(async () => {
  lab = await openTestLab();
  await lab.rest("POST /storage/v1/b?project=sparklab-local", { name: "files", location: "us-central1" });
});
afterAll(() => lab.close());

test("the Python client makes, loads, queries and reads tables", async () => {
  expect(await lab.python("client_checks.py", "by_python", "files")).toBe("all as it should be\n");
});

test("the Node client makes, loads, queries and reads tables", async () => {
  expect(await lab.node("client-checks.mjs", "by_node")).toBe("all as it should be\n");
});
