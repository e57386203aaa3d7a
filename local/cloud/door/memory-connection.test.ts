/** A connection in memory behaves as one over the network: order, back-pressure, half-closing, cutting. */
import { once } from "node:events";
import type { Duplex } from "node:stream";
import { describe, expect, it } from "@jest/globals";
import { connectionInMemory } from "./memory-connection";

const turn = () => new Promise((resolve) => setImmediate(resolve));

async function textOf(end: Duplex): Promise<string> {
  let text = "";
  end.on("data", (chunk: Buffer) => (text += chunk.toString()));
  await once(end, "end");
  return text;
}

describe("connectionInMemory", () => {
  it("carries both directions in order and ends each on its own", async () => {
    const [left, right] = connectionInMemory();
    left.write("a");
    left.end("b");
    right.write("c");
    expect(await textOf(right)).toBe("ab");
    right.end("d");
    expect(await textOf(left)).toBe("cd");
  });

  it("takes a next write only when the other end reads", async () => {
    const [left, right] = connectionInMemory();
    const block = Buffer.alloc(64 * 1024);
    for (let i = 0; i < 100; i++) left.write(block);
    await turn();
    expect(right.readableLength).toBeLessThanOrEqual(2 * block.length);
    expect(left.writableLength).toBeGreaterThan(90 * block.length);
    let got = 0;
    right.on("data", (chunk: Buffer) => (got += chunk.length));
    left.end();
    await once(right, "end");
    expect(got).toBe(100 * block.length);
  });

  it("is cut at both ends when it is cut at one", async () => {
    const [left, right] = connectionInMemory();
    const closed = once(right, "close");
    left.destroy();
    await closed;
    expect(right.destroyed).toBe(true);
  });
});
