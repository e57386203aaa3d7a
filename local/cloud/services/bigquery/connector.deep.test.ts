/** Google's Spark connector in every mode and with every type; counts and values are read by JVMs that wrote nothing. */
import { afterAll, beforeAll, describe, expect, jest, test } from "@jest/globals";
import { DATASET, type Findings, findings, openConnectorLab, whole } from "./connector-lab";
import type { TestLab } from "./testing";

jest.setTimeout(1_200_000);
const MODES = ["direct", "indirect", "atleastonce"];
const each = (of: (name: string) => string[]) => MODES.flatMap(of);
let lab: TestLab;
beforeAll(async () => {
  lab = await openConnectorLab();
});
afterAll(() => lab.close());

const write = (...parts: string[]) => lab.spark("connector_writes.py", DATASET, "spark-temp", "7000", ...parts);

describe("modes", () => {
  let found: Findings;
  beforeAll(async () => {
    await write(...MODES);
    found = await findings(
      lab,
      ...each((name) => [`${name}_created`, `${name}_appended`, `${name}_overwritten`]),
      "ask:direct_created",
    );
  });

  test.each(MODES)("%s: created, appended and overwritten tables hold each row once", (name) => {
    expect(found[`${name}_created`]).toEqual(whole(0, 6999));
    expect(found[`${name}_appended`]).toEqual(whole(0, 7009));
    expect(found[`${name}_overwritten`]).toEqual(whole(5, 24));
  });

  test("reads take filters, columns, counts, queries, both formats", () => {
    expect(found["questions:direct_created"]).toMatchObject({
      ...{
        count: 7000,
        filtered: 4,
        like: 1111,
        isIn: [3, 4, 5],
        pruned: ["text"],
        option: 3,
        avro: 48_993_000,
        pandas: 9900,
      },
      query: [
        { odd: 0, n: 3500, s: 24_493_000 },
        { odd: 1, n: 3500, s: 24_500_000 },
      ],
    });
  });
});

describe("types and tables", () => {
  let found: Findings;
  beforeAll(async () => {
    await write(...each((name) => [`${name}:types`, `${name}:empty`, `${name}:together`]));
    found = await findings(
      lab,
      ...each((name) => ["types", "empty", "emptied", "together"].map((part) => `${name}_${part}`)),
      ...each((name) => [`made_${name}`, `made_${name}_overwritten`]),
    );
  });

  const NESTED = { number: 7, order: "asc", days: ["2026-01-01", "2026-12-31"] };
  const FULL = {
    ...{ id: 1, text: 'é, "quoted"\n', whole: -(2 ** 62), fraction: 0.1, flag: true, raw: "00ff", day: "1969-12-31" },
    ...{
      moment: "2026-01-02T03:04:05.678901",
      amount: "-12345678901234567890.123456789",
      nested: NESTED,
      tags: ["a", "b"],
    },
    steps: [
      { number: 1, order: "x", days: [] },
      { number: 2, order: null, days: ["2000-02-29"] },
    ],
  };
  const NONE = Object.fromEntries(Object.keys(FULL).map((name) => [name, null]));

  test.each(MODES)("%s: values of all types arrive as they were, none as none", (name) => {
    expect(found[`${name}_types`]!.rows).toEqual([FULL, { ...NONE, id: 2, tags: [], steps: [] }]);
  });

  test.each(MODES)(
    "%s: a partitioned and clustered table with required columns takes rows and keeps its columns",
    async (name) => {
      const [first, second] = [
        { id: 1, day: "1969-12-31", text: 'é, "quoted"\n' },
        { id: 2, day: null, text: null },
      ];
      expect(found[`made_${name}`]!.rows).toEqual([first, second]);
      expect(found[`made_${name}_overwritten`]!.rows).toEqual([second]);
      const kept = await lab.rest(`GET /bigquery/v2/projects/sparklab-local/datasets/spark/tables/made_${name}`);
      expect(kept).toMatchObject({
        ...{ timePartitioning: { type: "DAY", field: "day" }, clustering: { fields: ["text"] } },
        schema: {
          fields: [
            { name: "id", mode: "REQUIRED", description: "the id" },
            { name: "day" },
            { description: "the text" },
          ],
        },
      });
    },
  );

  test.each(MODES)("%s: two writers at once lose nothing", (name) => {
    expect(found[`${name}_together`]).toEqual({ count: 1001, distinct: 1001, first: 0, last: 2499, wrong: 0 });
  });

  test.each(MODES)("%s: an empty DataFrame makes an empty table", (name) => {
    expect(found[`${name}_empty`]).toMatchObject({ count: 0 });
  });
});
