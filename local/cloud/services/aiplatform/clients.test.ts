/** Google's own Python client, unmodified, with production host names, through the front door. */
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { readTools } from "../../../engines/tools";
import { clientEnvironment } from "../../door/client-environment";
import { BUCKET, PipelineLab, RUNNER } from "./pipelines/testing";

let lab: PipelineLab;
beforeAll(async () => {
  lab = await PipelineLab.open();
}, 60_000);
afterAll(() => lab.close());

async function client(script: string, ...words: string[]): Promise<string[]> {
  const options = { env: { PATH: process.env.PATH, ...clientEnvironment(lab.folder) }, maxBuffer: 64 << 20 };
  const file = join(__dirname, "clients", script);
  const { stdout } = await promisify(execFile)(readTools().python.pipelines, [file, ...words], options);
  return stdout.split("\n").filter((line) => /^[a-z_]+$/.test(line));
}

describe("google-cloud-aiplatform", () => {
  test("runs pipeline jobs", async () => {
    const specs = join(__dirname, "pipelines", "testdata");
    expect(await client("pipeline_job.py", specs, BUCKET, RUNNER, lab.folder)).toEqual([
      "submits_and_waits",
      "takes_the_id_once",
      "finds_it_again",
      "cancels_and_deletes",
      "finds_it_again_by_rest",
    ]);
  }, 120_000);

  test("registers data sets and models with versions and aliases", async () => {
    expect(await client("registry.py", BUCKET)).toEqual([
      "registers_a_table",
      "keeps_versions_with_aliases",
      "deletes",
    ]);
  }, 60_000);

  test("keeps experiments, and the lineage of what pipelines made", async () => {
    expect(await client("experiments.py", join(__dirname, "pipelines", "testdata"), BUCKET, RUNNER)).toEqual([
      "logs_runs",
      "tracks_a_pipeline",
      "follows_lineage",
    ]);
  }, 120_000);
});
