/** The metadata server of work that an earlier cloud may have begun. */
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { testCloud, type TestCloud } from "../testing";
import { iam } from "./iam";
import { reopenedMetadata } from "./workload-metadata";

let lab: TestCloud;
beforeAll(async () => {
  lab = await testCloud({ services: [iam] });
});
afterAll(() => lab.close());

test("is where it was, and elsewhere when its port is taken", async () => {
  const account = "worker@sparklab-local.iam.gserviceaccount.com";
  const stranger = createServer().listen(0, "127.0.0.1");
  await once(stranger, "listening");
  const { port } = stranger.address() as AddressInfo;
  const elsewhere = await reopenedMetadata(account, port, lab.cloud);
  expect(elsewhere.host).not.toBe(`127.0.0.1:${port}`);
  stranger.close();
  await once(stranger, "close");
  const there = await reopenedMetadata(account, port, lab.cloud);
  expect(there.host).toBe(`127.0.0.1:${port}`);
  for (const { close } of [elsewhere, there]) await close();
});
