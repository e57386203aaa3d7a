/**
 * A grant taken away in a running lab: Google's refusal, with permission and resource, stands where a user looks for it,
 * and after the grant is back the same thing goes well.
 */
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readTools } from "../../engines/tools";
import { RECORDING, ROOT } from "./places";
import { declaredIn, type Recording } from "./recording";

const MINUTES = 60_000;
const DATASET = "sparklab_local_churn";
const account = (name: string) => `serviceAccount:sparklab-local-${name}@sparklab-local.iam.gserviceaccount.com`;
const lab = mkdtempSync(join(tmpdir(), "sparklab-grants-"));
const env = { ...process.env, SPARKLAB_LAB: lab, SPARKLAB_PORT: "0" };

/** Standard output of a command that goes well, all output of one that fails. */
async function sparklab(...words: string[]): Promise<{ well: boolean; output: string }> {
  const program = join(ROOT, "cli", "bin", "sparklab.mjs");
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [program, ...words], {
      ...{ cwd: ROOT, env, maxBuffer: 64 << 20 },
    });
    return { well: true, output: stdout };
  } catch (error) {
    const { stdout = "", stderr = "" } = error as { stdout?: string; stderr?: string };
    return { well: false, output: stdout + stderr };
  }
}
/** What a command that must go well wrote. @throws Error with all its output when it fails */
async function outputOf(...words: string[]): Promise<string> {
  const { well, output } = await sparklab(...words);
  if (!well) throw new Error(`sparklab ${words.join(" ")}:\n${output}`);
  return output;
}
const client = (...words: string[]) =>
  outputOf("exec", "--", readTools().python.clients, join(__dirname, "grants_client.py"), ...words);
const job = (name: string, id: string) => ["run", name, "--pipeline-id", id];

beforeAll(async () => {
  await outputOf("up", "--yes");
  await outputOf(...job("churn_preprocessing", "prepared"));
}, 8 * MINUTES);
afterAll(async () => {
  await sparklab("down");
  rmSync(lab, { recursive: true, force: true });
}, MINUTES);

/**
 * Without what is listed the job fails with the text in its driver's output. After that it runs under the last id:
 * training reads the customers that preprocessing wrote under the same one, and a batch's id is used once.
 */
const REMOVALS: [job: string, grants: [place: string, role: string][], why: RegExp, id: string][] = [
  [
    "churn_preprocessing",
    [[DATASET, "roles/bigquery.dataEditor"]],
    /Permission bigquery\.tables\.\w+ denied on (table|dataset) sparklab-local:sparklab_local_churn/,
    "written-again",
  ],
  [
    "churn_training",
    [["project", "roles/bigquery.readSessionUser"]],
    /the user does not have 'bigquery\.readsessions\.create' permission for 'projects\/sparklab-local'/,
    "prepared",
  ],
  [
    "churn_preprocessing",
    // The wide role has all objects of the project in it.
    [
      ["project", "roles/dataproc.worker"],
      ["b/sparklab-local-raw", "roles/storage.objectViewer"],
    ],
    /403 Forbidden|does not have storage\.objects\.(get|list) access/,
    "read-again",
  ],
];

test.each(REMOVALS)(
  "%s fails without %j, and runs when that is back",
  async (name, grants, why, id) => {
    const change = async (verb: string) => {
      for (const [place, role] of grants) await client(verb, place, role, account("worker"));
    };
    await change("remove");
    const failed = await sparklab(...job(name, `before-${id}`));
    await change("add");
    expect(failed.output).toMatch(why);
    expect(failed.well).toBe(false);
    await outputOf(...job(name, id));
  },
  8 * MINUTES,
);

test.each([
  ["scheduler", "run/sparklab-local-start-pipeline", "roles/run.invoker", /403|not authenticated|permission/i],
  [
    "launcher",
    "project",
    "projects/sparklab-local/roles/sparklab_local_pipeline_launcher",
    /aiplatform\.pipelineJobs\.create/,
  ],
])(
  "the weekly training is refused without the grant of its %s on %s",
  async (who, place, role, why) => {
    await client("remove", place, role, account(who));
    const status = await client("fire", "sparklab-local-training");
    await client("add", place, role, account(who));
    expect(JSON.parse(status)).toMatchObject({ code: 7 });
    expect(status + readFileSync(join(lab, "cloud", "log", "access.jsonl"), "utf8")).toMatch(why);
  },
  3 * MINUTES,
);

test("the program's grants are those of the recorded run; else the run is to be recorded again", async () => {
  const { output } = await sparklab("status", "--json");
  const { resources } = JSON.parse(output) as { resources: Record<string, number> };
  const grants = Object.entries(resources).filter(([type]) => /I[aA][mM]Member$/.test(type));
  const declared = declaredIn(JSON.parse(readFileSync(RECORDING, "utf8")) as Recording);
  // The creator of a data set owns it without a grant of the program.
  const own = declared.filter(([, role]) => role !== "roles/bigquery.dataOwner");
  expect(own.length).toBe(grants.reduce((sum, [, count]) => sum + count, 0));
});
