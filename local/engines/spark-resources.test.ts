/** Sizes that Dataproc is asked for, and what a machine gives. */
import { describe, expect, test } from "@jest/globals";
import { capacityMb, sizeProblems, sparkResources } from "./spark-resources";

const machine = { cores: 4, memoryMb: 16384 };
type Properties = Record<string, string>;

describe("sparkResources", () => {
  const cases: [string, Properties, { cores: number; heapMb: number; memoryMb: number }][] = [
    ["defaults", {}, { cores: 4, heapMb: 2048, memoryMb: 2048 + 384 + 5 * 192 }],
    [
      "executor cores times instances",
      { "spark.executor.cores": "1", "spark.executor.instances": "3" },
      { cores: 3, heapMb: 2048, memoryMb: 2048 + 384 + 4 * 192 },
    ],
    [
      "the larger memory",
      { "spark.driver.memory": "1g", "spark.executor.memory": "3000m" },
      { cores: 4, heapMb: 3000, memoryMb: 3000 + 384 + 5 * 192 },
    ],
    [
      "overhead that was asked for",
      { "spark.driver.memory": "1g", "spark.executor.memoryOverhead": "1g" },
      { cores: 4, heapMb: 1024, memoryMb: 2048 + 5 * 192 },
    ],
    [
      "a bare number as mebibytes",
      { "spark.driver.memory": "1500" },
      { cores: 4, heapMb: 1500, memoryMb: 1500 + 384 + 5 * 192 },
    ],
  ];
  test.each(cases)("gives %s", (_what, properties, expected) => {
    expect(sparkResources(properties, machine)).toEqual({ ...expected, reduced: [] });
  });
  test("caps to the machine and says what it reduced", () => {
    const asked = { "spark.executor.cores": "8", "spark.executor.instances": "4", "spark.executor.memory": "12g" };
    expect(sparkResources(asked, machine)).toMatchObject({
      cores: 4,
      heapMb: 8192,
      reduced: [
        "spark.executor.cores x spark.executor.instances: asked for 32; this machine gives 4",
        "spark.driver.memory: asked for 12288m; this machine gives 8192m",
      ],
    });
  });
});

test("leaves a quarter of the memory, at least 2 GB, to everything else", () => {
  expect([capacityMb({ cores: 1, memoryMb: 16384 }), capacityMb({ cores: 1, memoryMb: 4096 })]).toEqual([12288, 2048]);
});

test("names every size that is none", () => {
  expect(
    sizeProblems({ "spark.driver.memory": "lots", "spark.executor.cores": "0", "spark.executor.memory": "2g" }),
  ).toEqual([
    "spark.executor.cores: got '0'; expected a positive whole number",
    "spark.driver.memory: got 'lots'; expected a size such as 2g or 9600m",
  ]);
});
