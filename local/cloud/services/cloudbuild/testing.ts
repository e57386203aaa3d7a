/** For tests: the scoring API's archive as the program delivers it, and a build that is waited for. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import type { Json, JsonObject } from "../../service";
import { archiveOf } from "../cloudfunctions/testing";

const FOLDER = resolve(__dirname, "..", "..", "..", "..", "functions", "scoring-api");

/** Bundled by esbuild's command: its library leaves a service behind that keeps a test's process alive. */
export async function scoringApiArchive(): Promise<Buffer> {
  const words = ["--bundle", "--platform=node", "--target=node22", "--format=cjs", "--legal-comments=none"];
  const command = require.resolve("esbuild/bin/esbuild");
  const bundled = execFileSync(command, [join(FOLDER, "index.ts"), ...words], {
    encoding: "utf8",
    maxBuffer: 64 << 20,
  });
  return archiveOf({
    "index.js": bundled,
    "package.json": '{"name":"scoring-api","main":"index.js"}',
    Dockerfile: readFileSync(join(FOLDER, "Dockerfile"), "utf8"),
  });
}

/** What `gcloud builds submit --tag` asks for. */
export const buildBody = (image: string, bucket: string, object: string, account: string): JsonObject => ({
  source: { storageSource: { bucket, object } },
  steps: [{ name: "gcr.io/cloud-builders/docker", args: ["build", "--tag", image, "."] }],
  images: [image],
  serviceAccount: `projects/sparklab-local/serviceAccounts/${account}`,
});

/** The operation when it is done; the test's own time limit ends a wait that is in vain. */
export async function done(read: () => Promise<Json>): Promise<JsonObject> {
  for (;;) {
    const operation = (await read()) as JsonObject;
    if (operation.done === true) return operation;
    await pause(20);
  }
}
