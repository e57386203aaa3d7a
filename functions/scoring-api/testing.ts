/** For tests: the committed model of testdata/, its variants, and a bucket in memory. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Bundle } from "./bundle";
import { Champion } from "./champion";
import type { StoredObject } from "./storage";

const golden = readFileSync(join(__dirname, "testdata", "bundle.json"), "utf8");
const first = readFileSync(join(__dirname, "testdata", "predictions.jsonl"), "utf8").split("\n")[0]!;

/** A customer with the probability that Spark gave. */
export const { instance, probability } = JSON.parse(first) as {
  instance: Record<string, unknown>;
  probability: number;
};

/** The committed bundle, changed. */
export function bundleText(change: (bundle: Bundle) => void = () => undefined): string {
  const bundle = JSON.parse(golden) as Bundle;
  change(bundle);
  return JSON.stringify(bundle);
}

export interface MemoryBucket {
  /** Puts the bundle there, as a new generation. */
  put: (text: string) => void;
  champion: Champion;
  failures: string[];
}

/** A champion whose bundle lies in memory. */
export async function memoryChampion(text = bundleText()): Promise<MemoryBucket> {
  let stored: StoredObject = { text, generation: "1" };
  const put = (next: string) => (stored = { text: next, generation: String(Number(stored.generation) + 1) });
  const failures: string[] = [];
  const read = async (uri: string, known?: string) => {
    if (uri !== "gs://models/champion/bundle.json") throw new Error(`${uri} is not there`);
    return stored.generation === known ? undefined : stored;
  };
  const champion = await Champion.load("gs://models/champion/", read, {
    changed: () => undefined,
    failed: ({ message }) => failures.push(message),
  });
  return { put, champion, failures };
}
