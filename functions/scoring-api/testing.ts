/** For tests: the committed model of testdata/, its variants, and a bucket in memory. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Bundle } from "./bundle";
import { Champion } from "./models";
import type { ReadObject, StoredObject } from "./storage";

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

/** The pointer to a version's bundle in the bucket of these tests. */
export const pointerText = (version: string): string =>
  JSON.stringify({
    version,
    bundle: `gs://bundles/churn/${version}/bundle.json`,
    pipelineId: "run-1",
    pipelineJob: "",
    setAt: "2026-11-21T09:00:00Z",
  });

export interface MemoryBucket {
  /** Writes an object of `gs://bundles/churn`, as a new generation. */
  put: (name: string, text: string) => void;
  /** Writes a version's bundle and makes it the champion. */
  promote: (version: string) => void;
  champion: Champion;
  failures: string[];
  /** Names of the objects that were asked for. */
  asked: string[];
}

/** A champion that is followed in memory. */
export function memoryChampion(): MemoryBucket {
  const objects = new Map<string, StoredObject>();
  const [failures, asked]: string[][] = [[], []];
  let generation = 0;
  const put = (name: string, text: string) => {
    objects.set(`gs://bundles/churn/${name}`, { text, generation: String((generation += 1)) });
  };
  const promote = (version: string) => {
    put(
      `${version}/bundle.json`,
      bundleText((bundle) => (bundle.model.version = version)),
    );
    put("champion.json", pointerText(version));
  };
  const read: ReadObject = async (uri, known) => {
    asked!.push(uri.split("/").at(-1)!);
    const found = objects.get(uri) ?? "absent";
    return found !== "absent" && found.generation === known ? "unchanged" : found;
  };
  const champion = new Champion("gs://bundles/churn/champion.json", read, {
    changed: () => undefined,
    failed: ({ message }) => failures!.push(message),
  });
  return { put, promote, champion, failures: failures!, asked: asked! };
}
