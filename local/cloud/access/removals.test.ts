/**
 * Each grant of the program taken away in turn from a recorded run, all its decisions made again: a grant is needed, with
 * what breaks without it, or has a reason why it is there.
 */
import { readFileSync } from "node:fs";
import { beforeAll, expect, test } from "@jest/globals";
import { parse } from "yaml";

import { OPERATOR } from "../door/principals";
import { INVENTORY, PAGE, RECORDING } from "./places";
import { REASONS } from "./reasons";
import { declaredIn, refusedUnder, shortName, type Recording } from "./recording";
import { removalsOf, removalsPage, type Removal } from "./removals";

const recording = JSON.parse(readFileSync(RECORDING, "utf8")) as Recording;
let removals: Removal[];
beforeAll(async () => {
  removals = await removalsOf(recording);
});
const names = (needed: boolean) =>
  removals.filter(({ breaks }) => breaks.length > 0 === needed).map(({ name }) => name);
const AGAIN = "record a run again: docs/grants.md";

test("with all grants every decision of the run is made as it was", async () => {
  expect(await refusedUnder(recording.grants, recording)).toEqual([]);
  expect(recording.decisions.length).toBeGreaterThan(350);
  expect(declaredIn(recording).length).toBeGreaterThan(85);
});

/** Grants of the inventory, whose environment, project, people and agents have names of their own. */
function inventoried(): string[] {
  const here = readFileSync(INVENTORY, "utf8")
    .replaceAll(/sparklab([-_])full|sparklab-test/g, (_, mark = "-") => `sparklab${mark}local`)
    .replaceAll("operator@example.com", OPERATOR.email)
    .replaceAll("@gcp-sa-dataproc.", "@dataproc-accounts.");
  const { resources } = parse(here) as { resources: Record<string, Record<string, string>> };
  return Object.entries(resources).flatMap(([name, { role, member, location: _, ...place }]) => {
    if (!/I[aA][mM]Member /.test(name) || member!.startsWith("group:")) return [];
    return [nameOf([Object.values(place)[0] ?? "sparklab-local", role!, member!])];
  });
}

/** The account of a connection is known by a part of its id. */
const nameOf = (grant: Parameters<typeof shortName>[0]) => shortName(grant).replace(/^bqcx-[^:]*/, "bqcx");

test(`the recorded grants are those that the program declares; else ${AGAIN}`, () => {
  // Who makes a data set owns it without a grant of the program.
  const own = declaredIn(recording).filter(([, role]) => role !== "roles/bigquery.dataOwner");
  expect(own.map(nameOf).sort()).toEqual(inventoried().sort());
});

test("without any grant no account of the program may do anything", async () => {
  const own = recording.decisions.filter(([principal]) => /^sparklab-local-/.test(principal));
  const google = recording.grants.filter((grant) => !declaredIn(recording).includes(grant));
  expect(await refusedUnder(google, { ...recording, decisions: own })).toEqual(own);
});

test("a grant without which nothing breaks has a reason", () => {
  expect(names(false).filter((name) => !REASONS.some(([grants]) => grants.test(name)))).toEqual([]);
});

test("a reason is for grants that are there, and for none that is needed", () => {
  const idle = REASONS.filter(([grants]) => !names(false).some((name) => grants.test(name)));
  expect(idle.map(([grants]) => grants.source)).toEqual([]);
  expect(names(true).filter((name) => REASONS.some(([grants]) => grants.test(name)))).toEqual([]);
});

test(`docs/grants.md says what each grant is for; else ${AGAIN}`, () => {
  expect(readFileSync(PAGE, "utf8")).toBe(removalsPage(removals));
});

test.each([
  ["worker: storage.objectViewer on sparklab-local-raw", "storage.objects.get"],
  ["worker: storage.objectUser on sparklab-local-models", "storage.objects.insert"],
  ["worker: bigquery.readSessionUser on sparklab-local", "bigquerystorage.CreateReadSession"],
  ["worker: bigquery.dataEditor on sparklab_local_churn", "bigquery.jobs.insert"],
  ["launcher: iam.serviceAccountUser on sparklab-local-runner", "aiplatform.projects.locations.pipelineJobs.create"],
  ["scheduler: run.invoker on sparklab-local-start-pipeline", "run.invoke"],
])("without %s the run fails, at %s among others", (name, method) => {
  const { breaks } = removals.find((removal) => removal.name === name)!;
  expect(breaks.some((call) => call.startsWith(`${method} `))).toBe(true);
});
