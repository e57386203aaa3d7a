/**
 * The whole lab as a user drives it, in one temporary lab: up, run, look at rows, change one input, preview shows exactly
 * that, destroy, nothing left. Commands are the CLI's own, clients are Google's, engines are the real ones.
 */
import { execFile } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { readTools } from "./engines/tools";

const root = resolve(__dirname, "..");
const run = promisify(execFile);
const lab = mkdtempSync(join(tmpdir(), "sparklab-e2e-"));
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

afterAll(async () => {
  await sparklab("down");
  rmSync(lab, { recursive: true, force: true });
});

it("previews every resource as a create", async () => {
  const summary = JSON.parse(await sparklab("preview", "--json")) as { counts: Record<string, number> };
  expect(Object.keys(summary.counts)).toEqual(["create"]);
}, 120_000);

it("comes up, and a second up changes nothing", async () => {
  const first = JSON.parse(await sparklab("up", "--json")) as { result: string; counts: Record<string, number> };
  expect(first.result).toBe("succeeded");
  const second = JSON.parse(await sparklab("up", "--json")) as { counts: Record<string, number> };
  expect(second.counts).toEqual({ same: first.counts.create });
}, 180_000);

it("refreshes without a difference", async () => {
  const summary = JSON.parse(await sparklab("refresh", "--json")) as { counts: Record<string, number> };
  expect(Object.keys(summary.counts)).toEqual(["same"]);
}, 120_000);

it("runs the three jobs as batches and leaves the rows that the data promises", async () => {
  const dataset = "sparklab-local.sparklab_local_churn";
  const rows = () =>
    query(
      `SELECT 'training_data', COUNT(*) FROM \`${dataset}.training_data\` UNION ALL SELECT 'batch_predictions', COUNT(*) FROM \`${dataset}.batch_predictions\` ORDER BY 1`,
    );
  expect(await sparklab("run", "--quiet", "--pipeline-id", "first")).toMatch(/area_roc +0\.8\d+ +0\.8/);
  const churn = await query(`SELECT churn, COUNT(*) FROM \`${dataset}.training_data\` GROUP BY churn ORDER BY churn`);
  expect(churn).toEqual([
    ["no", "5163"],
    ["yes", "1869"],
  ]);
  const before = await rows();
  expect(before).toEqual([
    ["batch_predictions", "411"],
    ["training_data", "7032"],
  ]);
}, 600_000);

it("shows exactly one change after one customer has changed", async () => {
  const changed = join(lab, "changed.csv");
  const text = readFileSync(readTools().data, "utf8");
  writeFileSync(changed, text.replace(",Female,", ",Male,"));
  const summary = JSON.parse(await sparklab("preview", "--json", "-c", `customers=${changed}`)) as {
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
    "service",
  ]);
}, 180_000);

it("answered every request as Google's descriptions of its APIs say", () => {
  expect(existsSync(join(lab, "cloud", "log", "requests.jsonl"))).toBe(true);
  expect(existsSync(join(lab, "cloud", "contract-violations.jsonl"))).toBe(false);
});
