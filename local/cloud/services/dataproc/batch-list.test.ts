/** Lists of batches: pages, filters, order. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { JsonObject } from "../../service";
import { BatchLab, BATCHES } from "./testing";
import { text } from "./workload-rules";

let lab: BatchLab;
beforeEach(async () => {
  lab = await BatchLab.open();
});
afterEach(() => lab.close());

describe("list", () => {
  const list = async (query: string) => {
    const { batches = [], nextPageToken } = (await lab.lab.rest(`GET ${BATCHES}?${query}`)) as {
      batches?: JsonObject[];
      nextPageToken?: string;
    };
    return { ids: batches.map(({ name }) => text(name).split("/").at(-1)), nextPageToken };
  };
  beforeEach(async () => {
    for (const [index, id] of ["aaaa", "bbbb", "cccc"].entries()) {
      lab.clock = new Date(Date.UTC(2026, 0, 1, index));
      await lab.create(id);
      await lab.until(id, "RUNNING");
    }
    lab.engine.end("bbbb", { exitCode: 0 });
    await lab.until("bbbb", "SUCCEEDED");
  });
  test("gives pages", async () => {
    const { ids, nextPageToken } = await list("pageSize=2");
    expect([ids, (await list(`pageSize=2&pageToken=${nextPageToken}`)).ids]).toEqual([["aaaa", "bbbb"], ["cccc"]]);
  });
  test.each([
    ["state = RUNNING", ["aaaa", "cccc"]],
    ["state = SUCCEEDED OR state = FAILED", ["bbbb"]],
    ['batch_id = "cccc"', ["cccc"]],
    ['state = RUNNING AND create_time < "2026-01-01T01:00:00Z"', ["aaaa"]],
  ])("filters by %s", async (filter, expected) => {
    expect((await list(`filter=${encodeURIComponent(filter)}`)).ids).toEqual(expected);
  });
  test("sorts by creation, newest first, and by nothing else", async () => {
    expect((await list("orderBy=create_time%20desc")).ids).toEqual(["cccc", "bbbb", "aaaa"]);
    expect((await lab.lab.refusal(`GET ${BATCHES}?orderBy=state`)).message).toBe(
      "Invalid order_by 'state': expected nothing or 'create_time desc'.",
    );
  });
});
