/** One write in each mode of Google's Spark connector, read by another JVM. The long form is connector.deep.test.ts. */
import { afterAll, beforeAll, expect, jest, test } from "@jest/globals";
import { findings, openConnectorLab, whole, DATASET } from "./connector-lab";
import type { TestLab } from "./testing";

jest.setTimeout(300_000);
let lab: TestLab;
beforeAll(async () => {
  lab = await openConnectorLab();
});
afterAll(() => lab.close());

test("rows written directly, through files and at least once are read by another JVM, each once", async () => {
  await lab.spark(
    "connector_writes.py",
    DATASET,
    "spark-temp",
    "700",
    "direct:once",
    "indirect:once",
    "atleastonce:once",
  );
  const names = ["direct_once", "indirect_once", "atleastonce_once"];
  expect(await findings(lab, ...names)).toEqual(Object.fromEntries(names.map((name) => [name, whole(0, 699)])));
});
