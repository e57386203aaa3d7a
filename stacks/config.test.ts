/** Configuration: what is accepted, and that every problem is named at once with its command. */
import { readFileSync } from "node:fs";
import { parse as parseYaml } from "yaml";
import { parseConfig } from "./config";
import { FEATURE_NAMES, PROFILE_NAMES, PROFILES } from "./config/features";
import { configurationPage, declarations } from "./config/reference";

const good = { project: "sparklab-test", region: "us-central1", environment: "test" };
const parse = (changes: object, exists: (path: string) => boolean = () => true) =>
  parseConfig({ ...good, ...changes }, exists);
const on = (changes: object) =>
  Object.entries(parse(changes).features)
    .filter(([, value]) => value)
    .map(([name]) => name);

describe("parseConfig", () => {
  it("takes project and region alone and fills in the rest", () => {
    expect(parse({})).toMatchObject({
      ...good,
      prefix: "sparklab",
      profile: "minimal",
      sparkRuntime: "2.3",
      protectData: false,
      operators: [],
      trainingSchedule: "0 9 * * 1",
    });
  });

  it("names every problem at once", () => {
    expect(() => parse({ project: undefined, region: "here", operators: ["ann"], composr: true })).toThrow(
      [
        "The stack's configuration has 4 problem(s), to be mended by these commands or in Pulumi.<stack>.yaml:",
        "  gcp:project: got nothing; is missing; expected a project id of 6 to 30 characters. pulumi config set gcp:project <project-id>",
        '  gcp:region: got "here"; expected a region such as us-central1. pulumi config set gcp:region us-central1',
        "  sparklab:operators.0: got \"ann\"; expected user:, group: or serviceAccount: and an e-mail. pulumi config set --path 'sparklab:operators[0]' user:<e-mail>",
        "  sparklab:composr: got a setting that does not exist; expected one of docs/configuration.md. pulumi config rm sparklab:composr",
      ].join("\n"),
    );
  });

  it.each(["1.0", "1.1", "2.2", "2.3.1", ""])(
    "refuses runtime %j with the supported ones and their dates",
    (sparkRuntime) => {
      expect(() => parse({ sparkRuntime })).toThrow(
        `sparklab:sparkRuntime: got "${sparkRuntime}"; expected a supported runtime: 2.3 (until 2027-11-26), 3.0 (until 2027-01-31).`,
      );
    },
  );

  it.each([
    [
      "notebooks on 3.0",
      { jupyterRuntime: "3.0" },
      'sparklab:jupyterRuntime: got "3.0"; expected 2.3, since runtimes from 3.0 have no Jupyter sessions',
    ],
    [
      "batches on 3.0 with a history server",
      { sparkRuntime: "3.0", historyServer: true },
      'sparklab:sparkRuntime: got "3.0" with historyServer; expected 2.3',
    ],
    [
      "Spark Connect below 3.0",
      { sparkConnectRuntime: "2.3" },
      'sparklab:sparkConnectRuntime: got "2.3"; expected 3.0',
    ],
    [
      "MLeap for Spark 3.5",
      { modelFormat: "mleap" },
      "MLeap has no release for Spark 3.5 (0.20 for Spark 3.2, 0.22 for Spark 3.3, 0.23 for Spark 3.4, 0.24 for Spark 4.0, 0.25 for Spark 4.1)",
    ],
    [
      "MLeap for Spark 4.0",
      { modelFormat: "mleap", sparkRuntime: "3.0" },
      "MLeap 0.24 fits Spark 4.0, but the export job writes bundles only",
    ],
    ["ONNX", { modelFormat: "onnx" }, "converted Spark forests do not predict what Spark predicts"],
    [
      "a region without Composer",
      { region: "us-central2", composer: true },
      'gcp:region: got "us-central2"; expected a region of Composer: africa-south1,',
    ],
    [
      "overlapping ranges",
      { peering: true, peeringCidr: "10.0.0.0/8" },
      'sparklab:subnetCidr: got "10.10.0.0/20"; expected a range apart from sparklab:peeringCidr, 10.0.0.0/8',
    ],
    [
      "a range inside Composer's",
      { composer: true, subnetCidr: "100.64.128.0/24" },
      "expected a range apart from Composer's own, 100.64.128.0/20",
    ],
    [
      "a range that is none",
      { subnetCidr: "10.10.0.1/20" },
      'address range: got "10.10.0.1/20"; expected the first address of a range of /8 to /29',
    ],
    ["an address that is none", { subnetCidr: "10.10.0.300/20" }, 'address range: got "10.10.0.300/20"'],
    [
      "Composer 2",
      { composerImage: "composer-2.1.11-airflow-2.4.3" },
      'sparklab:composerImage: got "composer-2.1.11-airflow-2.4.3"; expected an image of Composer 3 with Airflow 3',
    ],
    [
      "Airflow 2 on Composer 3",
      { composerImage: "composer-3-airflow-2" },
      "expected an image of Composer 3 with Airflow 3",
    ],
    [
      "a search by Optuna where batches run in the runtime's own image",
      { tuningSearch: "optuna" },
      'sparklab:tuningSearch: got "optuna" without customImage; expected the image, which has Optuna, or a search without it. pulumi config set sparklab:tuningSearch random',
    ],
    ["a budget of nobody", { budget: true }, "sparklab:billingAccount: got nothing with budget"],
    [
      "a queue without the function",
      { queue: true, trigger: false },
      "sparklab:queue: got true without trigger; expected both. pulumi config set sparklab:trigger true",
    ],
    [
      "Composer in the batches profile",
      { profile: "batches", composer: true },
      "sparklab:composer: got true in profile batches",
    ],
    [
      "names that Google would refuse",
      { prefix: "a-prefix-much-too-long-for-accounts" },
      'serviceAccount name of role "workbench"',
    ],
  ])("refuses %s", (_, changes, message) => expect(() => parse(changes)).toThrow(message));

  it("takes a 3.0 runtime for Spark Connect beside a 2.3 one for everything else", () => {
    expect(parse({ sparkConnect: true, historyServer: true })).toMatchObject({
      sparkRuntime: "2.3",
      sparkConnectRuntime: "3.0",
    });
  });

  it("refuses a customers file that does not exist", () => {
    expect(() => parse({}, (path) => path !== ".lab/data/telco_customer_churn.csv")).toThrow(
      'sparklab:customers: got ".lab/data/telco_customer_churn.csv"; expected an existing CSV file. npm start restores the public sample',
    );
  });

  it("refuses a function whose code is not here", () => {
    expect(() => parse({ trigger: true }, (path) => !path.startsWith("functions/"))).toThrow(
      "sparklab:trigger: got true; expected functions/start-pipeline/index.ts, which it delivers.",
    );
  });
});

describe("profiles", () => {
  it.each(PROFILE_NAMES)("%s is accepted and switches on what it says", (profile) =>
    expect(on({ profile })).toEqual(
      FEATURE_NAMES.filter((name) => (PROFILES[profile].features as readonly string[]).includes(name)),
    ),
  );
  it("keeps what needs more than a project out of full", () =>
    expect(on({ profile: "full" })).not.toEqual(expect.arrayContaining(["orgPolicies"])));
  it("lets the stack's own switch go before the profile", () =>
    expect(on({ profile: "workshop", workbench: false, nat: true })).toEqual([
      "trigger",
      "scoringApi",
      "nat",
      "queue",
      "composer",
    ]));
});

describe("generated files (npm run inventory renews them)", () => {
  it("docs/configuration.md says what the schema says", () =>
    expect(readFileSync("docs/configuration.md", "utf8")).toBe(configurationPage()));
  it("Pulumi.yaml declares what the schema declares", () => {
    expect((parseYaml(readFileSync("Pulumi.yaml", "utf8")) as { config: unknown }).config).toEqual(declarations());
  });
});
