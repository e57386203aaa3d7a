/** The policy pack: each rule with a resource that it lets pass and ones that it refuses, and the lab itself. */
import { unknownCheckingProxy } from "@pulumi/policy";
import { record } from "../../components/record";
import { FEATURE_NAMES } from "../config/features";
import { profileConfig } from "../inventory";
import { lab } from "../lab";
import { policies, RULES } from "./pack";

const TEMPLATE = "gcp:dataproc/sessionTemplate:SessionTemplate";
const session = (changes: object) => ({
  environmentConfig: {
    executionConfig: {
      ttl: "14400s",
      idleTtl: "3600s",
      authenticationConfig: { userWorkloadAuthenticationType: "SERVICE_ACCOUNT" },
      ...changes,
    },
  },
});
const labels = (environment: string) => ({ lab: "sparklab", environment });

/** Rule, type, a good resource, a bad one, what is said of it. */
const CASES: [string, string, object, object, string[]][] = [
  [
    "no-basic-roles",
    "gcp:projects/iAMMember:IAMMember",
    { role: "roles/dataproc.worker" },
    { role: "roles/editor" },
    ['role: got "roles/editor"; expected a predefined or custom role'],
  ],
  [
    "no-public-members",
    "gcp:storage/bucketIAMMember:BucketIAMMember",
    { member: "user:ann@example.com" },
    { member: "allUsers" },
    ['member: got "allUsers"; expected a user, group or service account'],
  ],
  [
    "no-public-members",
    "gcp:storage/bucketIAMBinding:BucketIAMBinding",
    { members: ["user:ann@example.com"] },
    { members: ["allAuthenticatedUsers"] },
    ['member: got "allAuthenticatedUsers"; expected a user, group or service account'],
  ],
  [
    "no-default-accounts",
    "gcp:cloudrunv2/service:Service",
    { template: { serviceAccount: "a@p.iam.gserviceaccount.com" } },
    { template: {} },
    ["template.serviceAccount: got nothing; expected the e-mail of an account of the lab"],
  ],
  [
    "no-default-accounts",
    "gcp:projects/iAMMember:IAMMember",
    { member: "serviceAccount:a@p.iam.gserviceaccount.com" },
    { member: "serviceAccount:1-compute@developer.gserviceaccount.com" },
    [
      'got the default account "serviceAccount:1-compute@developer.gserviceaccount.com"; expected one of the lab\'s own',
    ],
  ],
  [
    "private-buckets",
    "gcp:storage/bucket:Bucket",
    { uniformBucketLevelAccess: true, publicAccessPrevention: "enforced" },
    { publicAccessPrevention: "inherited" },
    [
      "uniformBucketLevelAccess: got nothing; expected true",
      'publicAccessPrevention: got "inherited"; expected "enforced"',
    ],
  ],
  [
    "no-public-addresses",
    "gcp:workbench/instance:Instance",
    { gceSetup: { disablePublicIp: true } },
    { gceSetup: {} },
    ["gceSetup.disablePublicIp: got nothing; expected true"],
  ],
  [
    "no-public-addresses",
    "gcp:compute/firewall:Firewall",
    { sourceRanges: ["10.0.0.0/20"] },
    { sourceRanges: ["0.0.0.0/0"] },
    ['sourceRanges: got "0.0.0.0/0"; expected ranges of the lab\'s own network'],
  ],
  [
    "no-public-addresses",
    "gcp:compute/globalAddress:GlobalAddress",
    { addressType: "INTERNAL" },
    {},
    ['addressType: got nothing; expected "INTERNAL"'],
  ],
  [
    "supported-runtimes",
    TEMPLATE,
    { runtimeConfig: { version: "2.3" } },
    { runtimeConfig: {} },
    ["runtimeConfig.version: got nothing; expected 2.3 (until 2027-11-26), 3.0 (until 2027-01-31)"],
  ],
  [
    "supported-runtimes",
    "gcp:bigquery/routine:Routine",
    { language: "SQL" },
    { sparkOptions: { runtimeVersion: "1.1" } },
    ['sparkOptions.runtimeVersion: got "1.1"; expected 2.3 (until 2027-11-26), 3.0 (until 2027-01-31)'],
  ],
  [
    "explicit-authentication",
    TEMPLATE,
    session({}),
    session({ authenticationConfig: undefined }),
    [
      'environmentConfig.executionConfig.authenticationConfig.userWorkloadAuthenticationType: got nothing; expected "SERVICE_ACCOUNT"',
    ],
  ],
  [
    "session-limits",
    TEMPLATE,
    session({}),
    session({ ttl: undefined, idleTtl: "86400s" }),
    [
      "environmentConfig.executionConfig.ttl: got nothing; expected 600s to 86400s",
      'environmentConfig.executionConfig.idleTtl: got "86400s"; expected 600s to 14400s',
    ],
  ],
  [
    "lab-labels",
    "gcp:pubsub/topic:Topic",
    { labels: labels("dev") },
    { labels: { lab: "sparklab" } },
    ["labels: got no label environment; expected one"],
  ],
  [
    "deletion-protection",
    "gcp:bigquery/table:Table",
    { labels: labels("prod"), deletionProtection: true },
    { labels: labels("prod"), deletionProtection: false },
    ["deletionProtection: got false; expected true. pulumi config set sparklab:protectData true"],
  ],
  [
    "deletion-protection",
    "gcp:storage/bucket:Bucket",
    { labels: labels("dev"), forceDestroy: true },
    { labels: labels("production"), forceDestroy: true },
    ["forceDestroy: got true; expected false. pulumi config set sparklab:protectData true"],
  ],
];

/** What the engine is told, through the policy itself. */
function violations(name: string, type: string, props: object): string[] {
  const found: string[] = [];
  const { validateResource } = policies.find((policy) => policy.name === name)!;
  if (typeof validateResource === "function")
    void validateResource({ type, props } as Parameters<typeof validateResource>[0], (message) => found.push(message));
  return found;
}

describe.each(CASES)("%s of %s", (name, type, good, bad, expected) => {
  it("lets a good resource pass", () => expect(violations(name, type, good)).toEqual([]));
  it("says what is wrong with a bad one", () => expect(violations(name, type, bad)).toEqual(expected));
});

describe("in a preview, where a value is not known yet", () => {
  /** As Pulumi's protocol writes a text that only the cloud will say. */
  const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
  const previewed = (type: string, props: object) =>
    violations("no-default-accounts", type, unknownCheckingProxy(props) as object);
  const member = "serviceAccount:1-compute@developer.gserviceaccount.com";

  it("says nothing of what it cannot know", () =>
    expect(previewed("gcp:cloudrunv2/service:Service", { template: { serviceAccount: UNKNOWN } })).toEqual([]));
  it("judges what stands beside it", () =>
    expect(previewed("gcp:projects/iAMMember:IAMMember", { project: UNKNOWN, member })).toHaveLength(1));
  it("hides no other error", () => {
    const broken = Object.defineProperty({}, "member", {
      enumerable: true,
      get: () => {
        throw new Error("broken");
      },
    });
    expect(() => violations("no-default-accounts", "gcp:projects/iAMMember:IAMMember", broken)).toThrow("broken");
  });
});

it("has a good and a bad resource for every rule", () => {
  expect([...new Set(CASES.map(([name]) => name))].sort()).toEqual(RULES.map(({ name }) => name).sort());
});

it.each([
  ["dev", false],
  ["prod", true],
])("lets the whole lab pass in environment %s", async (environment, protectData) => {
  const everything = Object.fromEntries(FEATURE_NAMES.map((name) => [name, true]));
  const config = profileConfig("full", {
    ...everything,
    environment,
    protectData,
    billingAccount: "012345-ABCDEF-678901",
  });
  const { resources } = await record(() => lab(config, "stacks/testdata"), environment);
  expect(
    resources.flatMap(({ type, name, inputs }) =>
      RULES.flatMap(({ check }) => check({ type, props: inputs }).map((problem) => `${name}: ${problem}`)),
    ),
  ).toEqual([]);
});
