/** Every probability equals the one that Spark gave for the same customer and the same trees. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseBundle } from "./bundle";
import { Model } from "./model";
import { differences } from "./parity-testing";

const folder = join(__dirname, "testdata");
const read = (file: string) => readFileSync(join(folder, file), "utf8");

it("gives Spark's probability for the sample of customers", () => {
  const all = differences(new Model(parseBundle(read("bundle.json"), "testdata")), read("predictions.jsonl"));
  expect(all).toHaveLength(60);
  expect(Math.max(...all)).toBeLessThan(1e-15);
});
