/**
 * A grant taken away in a running lab: Google's refusal, with permission and resource, stands where a user looks for it,
 * and after the grant is back the same thing goes well.
 */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { OwnLab } from "./own-lab";

const MINUTES = 60_000;
const DATASET = "sparklab_local_churn";
const account = (name: string) => `serviceAccount:sparklab-local-${name}@sparklab-local.iam.gserviceaccount.com`;
const lab = new OwnLab(mkdtempSync(join(tmpdir(), "sparklab-grants-")), { ...process.env, SPARKLAB_PORT: "0" });
const client = (...words: string[]) => lab.client("grants_client.py", ...words);
const job = (name: string, id: string) => ["run", name, "--pipeline-id", id];

beforeAll(async () => {
  await lab.outputOf("up", "--yes");
  await lab.outputOf(...job("churn_preprocessing", "prepared"));
}, 8 * MINUTES);
afterAll(async () => {
  await lab.sparklab("down");
  rmSync(lab.folder, { recursive: true, force: true });
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
    const failed = await lab.sparklab(...job(name, `before-${id}`));
    await change("add");
    expect(failed.output).toMatch(why);
    expect(failed.well).toBe(false);
    await lab.outputOf(...job(name, id));
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
    expect(status + readFileSync(join(lab.folder, "cloud", "log", "access.jsonl"), "utf8")).toMatch(why);
  },
  3 * MINUTES,
);
