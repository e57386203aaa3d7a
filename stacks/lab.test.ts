/** The whole program, for each environment: what it declares equals the reviewed inventory. */
import { readFileSync } from "node:fs";
import { record, type Recording } from "../components/record";
import { environmentConfig, inventory } from "./inventory";
import { lab } from "./lab";

const recordings = new Map<string, Promise<Recording>>();
/** Each environment's program is run once for all the questions below. */
function recorded(environment: string): Promise<Recording> {
  const recording = recordings.get(environment) ?? record(() => lab(environmentConfig(environment)), environment);
  recordings.set(environment, recording);
  return recording;
}

describe.each(["local", "dev"])("environment %s", (environment) => {
  it("declares exactly what its inventory says (npm run inventory renews it)", async () => {
    expect(inventory(await recorded(environment))).toBe(readFileSync(`stacks/inventory.${environment}.yaml`, "utf8"));
  });

  it("invokes nothing", async () => expect((await recorded(environment)).calls).toEqual([]));

  it("gives no resource an empty or undefined name, member or address", async () => {
    for (const { type, name, inputs } of (await recorded(environment)).resources) {
      const text = `${type} ${name} ${JSON.stringify(inputs)}`;
      expect(text).not.toMatch(/undefined|""(?!:)|serviceAccount:"/);
    }
  });

  it("grants no basic role and nothing to everyone", async () => {
    for (const { name, inputs } of (await recorded(environment)).resources) {
      expect(`${name} ${String(inputs.role)} ${String(inputs.member)}`).not.toMatch(/roles\/(owner|editor|viewer)|allUsers|allAuthenticatedUsers/);
    }
  });
});

/** Every role of each identity; a new grant shows here as a changed line. */
it("gives each identity exactly these roles", async () => {
  const { resources } = await recorded("local");
  const roles: Record<string, string[]> = {};
  for (const { type, inputs } of resources) {
    if (!/member/i.test(type.split(":").at(-1) ?? "")) continue;
    const where = ((inputs.bucket ?? inputs.datasetId ?? inputs.serviceAccountId ?? "project") as string).replace(/^.*serviceAccounts\//, "").replace(/@.*$/, "");
    (roles[String(inputs.member).replace(/@.*$/, "")] ??= []).push(`${String(inputs.role)} on ${where}`);
  }
  for (const list of Object.values(roles)) list.sort();
  expect(roles).toEqual({
    "serviceAccount:sparklab-local-launcher": ["projects/sparklab-test/roles/sparklab_local_pipeline_launcher on project", "roles/iam.serviceAccountUser on sparklab-local-runner"],
    "serviceAccount:sparklab-local-runner": ["roles/aiplatform.user on project", "roles/dataproc.serverlessEditor on project", "roles/iam.serviceAccountUser on sparklab-local-worker"],
    "serviceAccount:sparklab-local-worker": [
      "roles/bigquery.dataEditor on sparklab_local_churn",
      "roles/bigquery.jobUser on project",
      "roles/bigquery.readSessionUser on project",
      "roles/dataproc.worker on project",
      ...["events", "metrics", "models", "staging"].map((role) => `roles/storage.legacyBucketReader on sparklab-local-${role}`),
      ...["code", "raw"].map((role) => `roles/storage.objectViewer on sparklab-local-${role}`),
      ...["events", "metrics", "models", "staging"].map((role) => `roles/storage.objectUser on sparklab-local-${role}`),
    ].sort(),
    "user:operator": ["roles/iam.serviceAccountUser on sparklab-local-worker"],
  });
});
