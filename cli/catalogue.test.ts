/** The catalogue: order, arguments, and what is wrong with them. */
import { fillArguments, inOrder, readCatalogue, type Job } from "./catalogue";
import { openLab } from "./lab";
import { newPipelineId, selectJobs, usesEarlierModel } from "./commands/run";

const job = (name: string, after: string[] = [], args: Record<string, string> = {}): Job => ({
  name,
  description: "",
  main: "",
  pipeline: "churn_training",
  after,
  arguments: args,
  properties: {},
  reads: [],
  writes: [],
});
const names = (jobs: Job[]) => jobs.map(({ name }) => name);

describe("inOrder", () => {
  it("puts each job after those that it follows", () =>
    expect(names(inOrder([job("c", ["b"]), job("b", ["a"]), job("a")]))).toEqual(["a", "b", "c"]));
  it("names the jobs of a cycle", () =>
    expect(() => inOrder([job("a", ["b"]), job("b", ["a"])])).toThrow("jobs a, b follow each other"));
});

describe("fillArguments", () => {
  it("replaces placeholders and keeps flags in order", () => {
    expect(
      fillArguments(job("j", [], { "--to": "{dataset}.t", "--from": "gs://{raw}/x" }), { dataset: "p.d", raw: "b" }),
    ).toEqual(["--to", "p.d.t", "--from", "gs://b/x"]);
  });
  it("names every unknown placeholder and the known ones", () => {
    expect(() => fillArguments(job("j", [], { "--a": "{x}{y}" }), { z: "1", k: "2" })).toThrow(
      "job j: got placeholders {x}, {y}; expected k, z",
    );
  });
});

describe("readCatalogue", () => {
  it("lists the jobs of the training pipeline in the order in which they run", () => {
    expect(names(selectJobs(readCatalogue(openLab({})), []))).toEqual([
      "churn_preprocessing",
      "churn_training",
      "churn_scoring",
      "churn_export",
    ]);
  });
});

describe("selectJobs", () => {
  const all = [job("a"), job("b"), { ...job("c"), pipeline: "another" }];
  it("takes the training pipeline's when none is named, and catalogue order otherwise", () => {
    expect(names(selectJobs(all, []))).toEqual(["a", "b"]);
    expect(names(selectJobs(all, ["b", "a"]))).toEqual(["a", "b"]);
  });
  it("names unknown jobs and the known ones", () =>
    expect(() => selectJobs(all, ["x", "y"])).toThrow("Jobs: got x, y; expected a, b, c."));
});

describe("usesEarlierModel", () => {
  const [preprocessing, training, scoring] = readCatalogue(openLab({})) as [Job, Job, Job];
  it.each([
    [[preprocessing], false],
    [[training, scoring], false],
    [[scoring], true],
  ])("is asked of the catalogue's jobs", (jobs, expected) => expect(usesEarlierModel(jobs)).toBe(expected));
});

describe("newPipelineId", () => {
  it("is the time in UTC to the second", () =>
    expect(newPipelineId(new Date("2026-11-21T13:45:09.123Z"))).toBe("20261121-134509"));
});

describe("openLab", () => {
  it("refuses a port that is none", () =>
    expect(() => openLab({ SPARKLAB_PORT: "http" })).toThrow(
      'SPARKLAB_PORT: got "http"; expected a port from 0 to 65535.',
    ));
});
