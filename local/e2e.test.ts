/**
 * The whole lab as a user drives it, in one temporary lab: up, train as the schedule does it, look at rows, change one
 * input, preview shows exactly that, destroy, nothing left. Commands are the CLI's own, clients are Google's, engines are the real ones.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify, stripVTControlCharacters } from "node:util";
import { readTools } from "./engines/tools";

const root = resolve(__dirname, "..");
const run = promisify(execFile);
const lab = mkdtempSync(join(tmpdir(), "sparklab-e2e-"));
/** The search for better settings has tests of its own; here it would be a minute of waiting. */
const PLAIN = ["-c", "tuningSearch=none"];
const environment = { ...process.env, SPARKLAB_LAB: lab, SPARKLAB_PORT: "0" };

/** One CLI command; rejects with its output when it fails. */
async function sparklab(...words: string[]): Promise<string> {
  const { stdout } = await run(process.execPath, [join(root, "cli", "bin", "sparklab.mjs"), ...words], {
    cwd: root,
    env: environment,
    maxBuffer: 64 << 20,
  });
  return stdout;
}

/** A query through google-cloud-bigquery in Python, as rows of text. */
async function query(sql: string): Promise<string[][]> {
  const program =
    "import sys, json; from google.cloud import bigquery\nprint(json.dumps([[str(v) for v in row.values()] for row in bigquery.Client().query_and_wait(sys.argv[1])]))";
  return JSON.parse(await sparklab("exec", "--", readTools().python.clients, "-c", program, sql)) as string[][];
}

const runIn = (text: string) => /Pipeline run (\S+)/.exec(text)?.[1];

afterAll(async () => {
  await sparklab("down");
  rmSync(lab, { recursive: true, force: true });
});

it("previews every resource as a create", async () => {
  const summary = JSON.parse(await sparklab("preview", "--json", ...PLAIN)) as { counts: Record<string, number> };
  expect(Object.keys(summary.counts)).toEqual(["create"]);
}, 120_000);

it("comes up, and a second up changes nothing", async () => {
  const first = JSON.parse(await sparklab("up", "--json", ...PLAIN)) as {
    result: string;
    counts: Record<string, number>;
  };
  expect(first.result).toBe("succeeded");
  const second = JSON.parse(await sparklab("up", "--json", ...PLAIN)) as { counts: Record<string, number> };
  expect(second.counts).toEqual({ same: first.counts.create });
}, 180_000);

it("refreshes without a difference", async () => {
  const summary = JSON.parse(await sparklab("refresh", "--json")) as { counts: Record<string, number> };
  expect(Object.keys(summary.counts)).toEqual(["same"]);
}, 120_000);

it("trains as the schedule starts it: function, pipeline, batches, registry, champion, scoring, online answer", async () => {
  const dataset = "sparklab-local.sparklab_local_churn";
  const rows = () =>
    query(
      `SELECT 'training_data', COUNT(*) FROM \`${dataset}.training_data\` UNION ALL SELECT 'batch_predictions', COUNT(*) FROM \`${dataset}.batch_predictions\` ORDER BY 1`,
    );
  const trained = stripVTControlCharacters(await sparklab("train"));
  expect(trained).toMatch(/done +Churn training/);
  expect(trained).toMatch(/skipped +To be tuned/);
  expect(trained).toMatch(/is champion\. There was no champion before it\./);
  expect(trained).toMatch(/customer \S+: \{"churn":"(yes|no)","probability":0\.\d+/);
  expect(trained).toMatch(/area_roc +0\.8\d+ +0\.8/);
  const churn = await query(`SELECT churn, COUNT(*) FROM \`${dataset}.training_data\` GROUP BY churn ORDER BY churn`);
  expect(churn).toEqual([
    ["no", "5163"],
    ["yes", "1869"],
  ]);
  const expected = [
    ["batch_predictions", "411"],
    ["training_data", "7032"],
  ];
  expect(await rows()).toEqual(expected);
  // The same order of the same day is the same run. After midnight (UTC) the order is another day's, and scores once more.
  let repeated = stripVTControlCharacters(await sparklab("train"));
  if (runIn(repeated) !== runIn(trained)) {
    expected[0] = ["batch_predictions", "822"];
    repeated = stripVTControlCharacters(await sparklab("train"));
  }
  expect(repeated).toMatch(/The day's run was there already/);
  expect(await rows()).toEqual(expected);
}, 600_000);

it("leads from a scored customer to batch, file, pipeline job, stack and commit", async () => {
  const predictions = "`sparklab-local.sparklab_local_churn.batch_predictions`";
  const [[customer]] = (await query(`SELECT MIN(customer_id) FROM ${predictions}`)) as [[string]];
  const { models, ...found } = JSON.parse(await sparklab("lineage", customer, "--json")) as {
    models: { data: { md5: string; now: { md5: string } } }[];
  };
  expect(found).toMatchObject({ asked: { kind: "customer", id: customer }, scoring: { state: "SUCCEEDED" } });
  expect(models).toMatchObject([
    {
      batch: { state: "SUCCEEDED" },
      pipelineJob: { state: "PIPELINE_STATE_SUCCEEDED" },
      stack: { name: "local" },
      commit: { dirty: expect.any(Boolean) },
    },
  ]);
  expect(models[0]!.data.md5).toBe(models[0]!.data.now.md5);
}, 60_000);

it("shows exactly one change after one customer has changed", async () => {
  const changed = join(lab, "changed.csv");
  const text = readFileSync(readTools().data, "utf8");
  writeFileSync(changed, text.replace(",Female,", ",Male,"));
  const summary = JSON.parse(await sparklab("preview", "--json", ...PLAIN, "-c", `customers=${changed}`)) as {
    counts: Record<string, number>;
  };
  const { same, ...changes } = summary.counts;
  expect(same).toBeGreaterThan(30);
  expect(changes).toEqual({ replace: 1 });
}, 120_000);

it("destroys all that the stack declared and lists what Google leaves behind", async () => {
  const summary = JSON.parse(await sparklab("destroy", "--json")) as { result: string };
  expect(summary.result).toBe("succeeded");
  const status = JSON.parse(await sparklab("status", "--json")) as {
    resources: object;
    undeclared: { kind: string }[];
  };
  expect(status.resources).toEqual({});
  expect([...new Set(status.undeclared.map(({ kind }) => kind))].sort()).toEqual([
    "batch",
    "bucket",
    "custom role",
    "model",
    "pipeline job",
    "service",
    "tabular data set",
  ]);
}, 180_000);

it("answered every request as Google's descriptions of its APIs say", () => {
  expect(existsSync(join(lab, "cloud", "log", "requests.jsonl"))).toBe(true);
  expect(existsSync(join(lab, "cloud", "contract-violations.jsonl"))).toBe(false);
});
