/** Versions of a secret: their order over pages, and the version that a change was meant for. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { JsonObject } from "../../service";
import { testCloud, type TestCloud } from "../../testing";
import { secretManager } from ".";

const SECRETS = "https://secretmanager.googleapis.com/v1/projects/sparklab-local/secrets";
let lab: TestCloud;
beforeAll(async () => {
  lab = await testCloud({ services: [secretManager] });
  await lab.rest(`POST ${SECRETS}?secretId=key`, { replication: { automatic: {} } });
  for (const text of ["one", "two", "three"])
    await lab.rest(`POST ${SECRETS}/key:addVersion`, { payload: { data: Buffer.from(text).toString("base64") } });
});
afterAll(() => lab.close());

test("the newest version comes first, over all pages", async () => {
  const page = async (token = "") =>
    (await lab.rest(`GET ${SECRETS}/key/versions?pageSize=2&pageToken=${token}`)) as JsonObject;
  const first = await page();
  const second = await page(first.nextPageToken as string);
  const numbers = [first, second].map(({ versions }) =>
    (versions as JsonObject[]).map(({ name }) => (name as string).split("/").at(-1)),
  );
  expect(numbers).toEqual([["3", "2"], ["1"]]);
});

test("a version that has changed since it was read is not changed by its old etag", async () => {
  const { etag } = (await lab.rest(`GET ${SECRETS}/key/versions/1`)) as { etag: string };
  await lab.rest(`POST ${SECRETS}/key/versions/1:disable`, { etag });
  expect((await lab.refusal(`POST ${SECRETS}/key/versions/1:enable`, { etag })).status).toBe("ABORTED");
});
