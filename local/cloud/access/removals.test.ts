/**
 * Each grant of the program taken away in turn from a recorded run, all its decisions made again: a grant is needed, with
 * what breaks without it, or is in the table of those that this run does not need, with the reason why it is there.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "@jest/globals";
import type { Store } from "../cloud";
import { PROJECT } from "../compose";
import { OPERATOR } from "../door/principals";
import { createPolicies, policyKey } from "../engine/policies";
import type { JsonObject, Principal } from "../service";
import { agentBindings } from "../services/agent-roles";
import { createAccess } from "./access";

type Grant = [resource: string, role: string, member: string];
interface Run {
  bindings: Grant[];
  customRoles: Record<string, string[]>;
  decisions: [principal: string, permission: string, resource: string, method: string][];
}

const run = JSON.parse(readFileSync(join(__dirname, "testdata", "batches-run.json"), "utf8")) as Run;
const ACCOUNT = /@sparklab-local\.iam\.gserviceaccount\.com$/;
/** What the program declares: grants to its service accounts; the rest Google makes by itself. */
const declared = run.bindings.filter(([, , member]) => ACCOUNT.test(member));

const short = ([resource, role, member]: Grant) =>
  `${member.replace(/^\w+:sparklab-local-|@.*$/g, "")}: ${role.replace(/^.*roles\//, "")} on ${resource.split("/").at(-1)!.replace(/@.*$/, "")}`;

/** Google requires this role of the account, and with it come all objects of the project: it hides the buckets' grants. */
const WIDE = "worker: dataproc.worker on sparklab-local";
const PIPELINES = "pipelines and functions, which this run of batches has not";

/** Grants that no call of this run needs. */
const NOT_NEEDED_HERE: Record<string, string> = {
  [WIDE]: "only in the real cloud: Google's own agents on the account's machines lease their tasks with it",
  "launcher: sparklab_local_pipeline_launcher on sparklab-local": PIPELINES,
  "launcher: iam.serviceAccountUser on sparklab-local-runner": PIPELINES,
  "runner: dataproc.serverlessEditor on sparklab-local": PIPELINES,
  "runner: aiplatform.user on sparklab-local": PIPELINES,
  "runner: iam.serviceAccountUser on sparklab-local-worker": PIPELINES,
  "runner: storage.objectViewer on sparklab-local-code": PIPELINES,
  "runner: storage.objectViewer on sparklab-local-metrics": PIPELINES,
  "worker: bigquery.jobUser on sparklab-local":
    "the connector starts jobs where it writes through files or runs a query, which these jobs do not",
  ...Object.fromEntries(
    ["bundles", "events", "metrics", "models", "staging"].map((bucket) => [
      `worker: storage.legacyBucketReader on sparklab-local-${bucket}`,
      "only where a client reads the bucket itself, as Spark's history of events and output committers do",
    ]),
  ),
  "worker: storage.objectUser on sparklab-local-bundles": "what writes there for the scoring API is not in this run",
  "worker: storage.objectUser on sparklab-local-events": "Spark writes events where there is a history server",
  "worker: storage.objectUser on sparklab-local-staging":
    "only in the real cloud: the service stages a batch's files and output there; here the cloud does it itself",
};

/** Decisions by the real rules on exactly these grants. */
async function broken(grants: readonly Grant[]): Promise<string[]> {
  const policies = new Map<string, JsonObject>();
  for (const [resource, role, member] of grants) {
    const key = policyKey(resource);
    const bindings = (policies.get(key)?.bindings ?? []) as JsonObject[];
    policies.set(key, { bindings: [...bindings, { role, members: [member] }] });
  }
  for (const [name, includedPermissions] of Object.entries(run.customRoles))
    policies.set(name, { includedPermissions });
  const store = { get: async (key: string) => policies.get(key) } as Store;
  const access = createAccess({
    policies: createPolicies({ store, project: PROJECT, operator: OPERATOR.email }),
    bindingsOf: async () => agentBindings(PROJECT.number),
  });
  const failed: string[] = [];
  for (const [email, permission, resource, method] of run.decisions) {
    const kind = email.endsWith("gserviceaccount.com") ? "serviceAccount" : "user";
    const principal: Principal = { kind, email, via: "accessToken" };
    if (!(await access.permits({ principal, permission, resource, method }))) failed.push(`${method} ${resource}`);
  }
  return failed;
}

const hidden = (grant: Grant) => /^worker: storage\./.test(short(grant));

let unneeded: string[];
const breaks = new Map<string, string[]>();
beforeAll(async () => {
  for (const grant of declared) {
    const others = run.bindings.filter((other) => other !== grant);
    // What a bucket's grant is for shows where the wide role does not stand in for it.
    const failed = await broken(hidden(grant) ? others.filter((other) => short(other) !== WIDE) : others);
    breaks.set(short(grant), failed);
  }
  unneeded = [...breaks].filter(([, failed]) => failed.length === 0).map(([name]) => name);
});

test("with all grants every decision of the run is made as it was", async () => {
  expect(await broken(run.bindings)).toEqual([]);
  expect(run.decisions.length).toBeGreaterThan(80);
});

test("a grant without which nothing breaks has a reason in the table, and no other has", () => {
  expect(unneeded.sort()).toEqual(Object.keys(NOT_NEEDED_HERE).sort());
});

test.each([
  ["worker: storage.objectViewer on sparklab-local-raw", "storage.objects.get"],
  ["worker: storage.objectUser on sparklab-local-models", "storage.objects.insert"],
  ["worker: bigquery.readSessionUser on sparklab-local", "bigquerystorage.CreateReadSession"],
  ["worker: bigquery.dataEditor on sparklab_local_churn", "bigquerystorage.AppendRows"],
])("without %s the run fails, at %s among others", (name, method) => {
  expect(breaks.get(name)?.some((call) => call.startsWith(method))).toBe(true);
});
