/** Configuration: what is accepted, and that every problem is named at once with its command. */
import { parseConfig } from "./config";

const good = { project: "sparklab-test", region: "us-central1", environment: "test", prefix: "sparklab", sparkRuntime: "2.3", customers: "customers.csv", protectData: false, operators: [] };
const parse = (changes: object, exists = true) => parseConfig({ ...good, ...changes }, () => exists);

describe("parseConfig", () => {
  it("accepts a complete configuration", () => expect(parse({})).toEqual(good));

  it("names every problem at once", () => {
    expect(() => parse({ project: undefined, region: "here", operators: ["ann"] })).toThrow(
      [
        "The stack's configuration has 3 problem(s):",
        "  gcp:project: got nothing; is missing; expected a project id. pulumi config set gcp:project <project-id>",
        '  gcp:region: got "here"; expected a region such as us-central1. pulumi config set gcp:region us-central1',
        "  sparklab:operators.0: got \"ann\"; expected user:, group: or serviceAccount: and an e-mail. pulumi config set --path 'sparklab:operators[0]' user:<e-mail>",
      ].join("\n"),
    );
  });

  it.each(["1.1", "2.2", "3.0", "2.3.1", ""])("refuses runtime %j with the supported ones and their dates", (sparkRuntime) => {
    expect(() => parse({ sparkRuntime })).toThrow(`sparklab:sparkRuntime: got "${sparkRuntime}"; expected a supported runtime: 2.3 (until 2027-11-26).`);
  });

  it("refuses names that Google would refuse", () => {
    expect(() => parse({ prefix: "a-prefix-much-too-long-for-accounts" })).toThrow('serviceAccount name of role "launcher"');
  });

  it("refuses a customers file that does not exist", () => {
    expect(() => parse({}, false)).toThrow('sparklab:customers: got "customers.csv"; expected an existing CSV file. npm start restores the public sample');
  });
});
