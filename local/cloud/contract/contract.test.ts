/** Finding the method that a request means, in Google's real descriptions. */
import { expect, test } from "@jest/globals";
import { openContract } from "./contract";
import { descriptionsFolder } from "../testing";

const contract = openContract(descriptionsFolder(), [
  "dataproc.v1",
  "storage.v1",
  "bigquery.v2",
  "iam.v1",
  "compute.v1",
  "compute.beta",
  "serviceusage.v1",
  "serviceusage.v1beta1",
  "run.v2",
]);
const P = "projects/p";

test.each([
  [
    "dataproc.googleapis.com",
    "GET",
    `/v1/${P}/locations/us-central1/batches/b`,
    "dataproc.projects.locations.batches.get",
  ],
  [
    "us-central1-dataproc.googleapis.com",
    "POST",
    `/v1/${P}/locations/us-central1/batches`,
    "dataproc.projects.locations.batches.create",
  ],
  [
    "dataproc.europe-west3.rep.googleapis.com",
    "GET",
    `/v1/${P}/locations/europe-west3/batches`,
    "dataproc.projects.locations.batches.list",
  ],
  [
    "dataproc.googleapis.com",
    "POST",
    `/v1/${P}/locations/us-central1/batches/`,
    "dataproc.projects.locations.batches.create",
  ],
  [
    "dataproc.googleapis.com",
    "POST",
    `/v1/${P}/locations/l/operations/o:cancel`,
    "dataproc.projects.locations.operations.cancel",
  ],
  [
    "iam.googleapis.com",
    "POST",
    `/v1/${P}/serviceAccounts/a%40b.c:getIamPolicy`,
    "iam.projects.serviceAccounts.getIamPolicy",
  ],
  ["iam.googleapis.com", "POST", "/v1/roles:queryGrantableRoles", "iam.roles.queryGrantableRoles"],
  ["serviceusage.googleapis.com", "GET", "/v1beta1/operations/x", "serviceusage.operations.get"],
  ["serviceusage.googleapis.com", "POST", `/v1/${P}/services:batchEnable`, "serviceusage.services.batchEnable"],
  ["storage.googleapis.com", "GET", "/storage/v1/b/x/o/a%2Fb%3Ac", "storage.objects.get"],
  ["storage.googleapis.com", "POST", "/upload/storage/v1/b/x/o", "storage.objects.insert"],
  ["storage.googleapis.com", "POST", "/resumable/upload/storage/v1/b/x/o", "storage.objects.insert"],
  ["www.googleapis.com", "GET", "/storage/v1/b/x", "storage.buckets.get"],
  ["bigquery.googleapis.com", "POST", `/upload/bigquery/v2/${P}/jobs`, "bigquery.jobs.insert"],
  ["bigquery.googleapis.com", "GET", `/bigquery/v2/${P}/datasets/d/tables/t/data`, "bigquery.tabledata.list"],
  ["compute.googleapis.com", "GET", `/compute/v1/${P}/regions`, "compute.regions.list"],
  ["compute.googleapis.com", "GET", `/compute/beta/${P}`, "compute.projects.get"],
  [
    "run.googleapis.com",
    "GET",
    `/v2/${P}/locations/l/services/s:getIamPolicy`,
    "run.projects.locations.services.getIamPolicy",
  ],
])("%s %s %s is %s", (host, verb, path, id) => {
  expect(contract.route(host, verb, path)?.method.id).toBe(id);
});

test.each([
  ["another verb", "dataproc.googleapis.com", "PUT", `/v1/${P}/locations/l/batches/b`],
  ["another version", "dataproc.googleapis.com", "GET", `/v9/${P}/locations/l/batches/b`],
  ["an empty segment", "dataproc.googleapis.com", "GET", `/v1/${P}/locations//batches/b`],
  ["another host", "iam.googleapis.com", "GET", `/v1/${P}/locations/l/batches/b`],
  ["a host of the old kind for a newer API", "www.googleapis.com", "GET", `/v1/${P}/locations/l/batches/b`],
  ["the continuation of an upload", "storage.googleapis.com", "PUT", "/upload/storage/v1/b/x/o"],
])("%s means no method", (_what, host, verb, path) => {
  expect(contract.route(host, verb, path)).toBeUndefined();
});

test("an encoded slash stays inside an object's name, everything else is decoded", () => {
  const route = contract.route("storage.googleapis.com", "GET", "/storage/v1/b/x/o/folder%2Fa%20b%2B%25%C3%BC.csv");
  expect(route?.parameters).toEqual({ bucket: "x", object: "folder/a b+%ü.csv" });
});

test("a name over several segments keeps its slashes and decodes its segments", () => {
  const route = contract.route("iam.googleapis.com", "DELETE", `/v1/${P}/serviceAccounts/a%40b.c/keys/1`);
  expect(route?.parameters).toEqual({ name: `${P}/serviceAccounts/a@b.c/keys/1` });
});

test("an encoded slash in a name over several segments stays encoded, so that it is no separator", () => {
  const route = contract.route("iam.googleapis.com", "GET", `/v1/${P}/roles/a%2Fb`);
  expect(route?.parameters).toEqual({ name: `${P}/roles/a%2Fb` });
});

test("a colon inside an id is not a custom verb", () => {
  expect(contract.route("dataproc.googleapis.com", "GET", `/v1/${P}/locations/l/batches/a:b`)?.parameters.name).toBe(
    `${P}/locations/l/batches/a:b`,
  );
});

test("a path with a broken escape is refused", () => {
  expect(() => contract.route("storage.googleapis.com", "GET", "/storage/v1/b/x/o/%zz")).toThrow(
    "invalid percent escape",
  );
});

test("hosts are known without parsing, others are not served", () => {
  expect(contract.serves("us-east4-dataproc.googleapis.com")).toBe(true);
  expect(contract.serves("storage.googleapis.com")).toBe(true);
  expect(contract.serves("evil-dataproc.googleapis.com")).toBe(false);
  expect(contract.serves("example.com")).toBe(false);
});

test("all missing descriptions are named at once, with the command that brings them", () => {
  expect(() => openContract("/nowhere", ["iam.v1", "run.v2"])).toThrow(
    "API descriptions in /nowhere: missing iam.v1, run.v2; expected <api>.<version>.json. Run npm start.",
  );
});
