/** Problems that only show when settings are seen together: names, address ranges, regions, versions, what needs what. */
import { parseCIDR, type IPv4 } from "ipaddr.js";
import { NAME_RULES, physicalName, type NamedKind } from "../../components/names";
import { FEATURE_NAMES, FEATURES, type Features } from "./features";
import { REGIONS } from "./regions";
import { runtimeProblems } from "./runtimes";
import { setting, type Settings } from "./settings";

/** Roles whose names are the longest of their kind: if these fit, all do. */
const LONGEST_ROLES: Record<NamedKind, string> = {
  bucket: "notebooks",
  serviceAccount: "workbench",
  dataset: "churn",
  sessionTemplate: "spark-connect",
  customRole: "pipeline_launcher",
  resource: "dead-training-requests",
  cluster: "history",
  service: "start-pipeline",
};

/** Composer 3 takes these addresses inside its own network, whatever the subnet is. Source: cloud.google.com/composer/docs/composer-3/configure-networking. */
const COMPOSER_CIDR = "100.64.128.0/20";

/** Everything that is wrong with settings that are right one by one. Pure. */
export function problemsOfWhole(
  settings: Settings,
  features: Features,
  fileExists: (path: string) => boolean,
): string[] {
  return [
    ...nameProblems(settings),
    ...needProblems(settings, features),
    ...regionProblems(settings, features),
    ...addressProblems(settings, features),
    ...runtimeProblems({ ...settings, historyServer: features.historyServer }),
    ...(fileExists(settings.customers)
      ? []
      : [
          `sparklab:customers: got "${settings.customers}"; expected an existing CSV file. npm start restores the public sample`,
        ]),
    ...FUNCTIONS.filter(([feature, folder]) => features[feature] && !fileExists(`${folder}/index.ts`)).map(
      ([feature, folder]) =>
        `sparklab:${feature}: got true; expected ${folder}/index.ts, which it delivers. ${setting(feature, "false")}`,
    ),
  ];
}

const FUNCTIONS = [
  ["trigger", "functions/start-pipeline"],
  ["scoringApi", "functions/scoring-api"],
] as const;

function nameProblems(settings: Settings): string[] {
  return (Object.keys(NAME_RULES) as NamedKind[]).flatMap((kind) => {
    try {
      physicalName(settings, kind, LONGEST_ROLES[kind]);
      return [];
    } catch (error) {
      return [`sparklab:prefix: ${(error as RangeError).message}`];
    }
  });
}

function needProblems(settings: Settings, features: Features): string[] {
  const problems = FEATURE_NAMES.filter((name) => features[name]).flatMap((name) =>
    (FEATURES[name].needs ?? [])
      .filter((need) => !features[need])
      .map((need) => `sparklab:${name}: got true without ${need}; expected both. ${setting(need, "true")}`),
  );
  if (features.budget && settings.billingAccount === undefined) {
    problems.push(
      `sparklab:billingAccount: got nothing with budget; expected a billing account. ${setting("billingAccount", "<id>")}`,
    );
  }
  if (settings.tuningSearch === "optuna" && !features.customImage) {
    problems.push(
      `sparklab:tuningSearch: got "optuna" without customImage; expected the image, which has Optuna, or a search without it. ${setting("tuningSearch", "random")}`,
    );
  }
  if (settings.profile === "batches") {
    const on = FEATURE_NAMES.filter((name) => features[name] && !["sparkConnect", "orgPolicies"].includes(name));
    for (const name of on)
      problems.push(
        `sparklab:${name}: got true in profile batches; expected a profile with the whole lab. ${setting("profile", "minimal")}`,
      );
  }
  return problems;
}

function regionProblems({ region, profile }: Settings, features: Features): string[] {
  const used: Record<string, boolean> = {
    "Vertex AI": profile !== "batches",
    "Artifact Registry": profile !== "batches",
    "Cloud Run": features.trigger || features.scoringApi,
    Composer: features.composer,
  };
  return Object.entries(REGIONS)
    .filter(([service, regions]) => used[service] && !regions.includes(region))
    .map(
      ([service, regions]) =>
        `gcp:region: got "${region}"; expected a region of ${service}: ${regions.join(", ")}. ${setting("region", "us-central1")}`,
    );
}

function addressProblems(settings: Settings, features: Features): string[] {
  const subnet = ["subnetCidr", settings.subnetCidr] as const;
  const others = [
    ...(features.peering ? [["sparklab:peeringCidr", settings.peeringCidr] as const] : []),
    ...(features.composer ? [["Composer's own", COMPOSER_CIDR] as const] : []),
  ];
  const ranges = [subnet[1], ...others.map(([, cidr]) => cidr)];
  const wrong = ranges.filter((cidr) => parse(cidr) === undefined);
  if (wrong.length > 0) {
    return wrong.map(
      (cidr) =>
        `address range: got "${cidr}"; expected the first address of a range of /8 to /29. ${setting(cidr === settings.subnetCidr ? "subnetCidr" : "peeringCidr", "10.10.0.0/20")}`,
    );
  }
  return others
    .filter(([, cidr]) => overlap(subnet[1], cidr))
    .map(
      ([name, cidr]) =>
        `sparklab:subnetCidr: got "${subnet[1]}"; expected a range apart from ${name}, ${cidr}. ${setting("subnetCidr", "10.10.0.0/20")}`,
    );
}

type Range = [IPv4, number];

/** A range that begins at its own first address and has a size that Google takes. */
function parse(cidr: string): Range | undefined {
  try {
    const [address, length] = parseCIDR(cidr) as Range;
    const bits = address.toByteArray().reduce((all, byte) => all * 256 + byte, 0);
    return length >= 8 && length <= 29 && bits % 2 ** (32 - length) === 0 ? [address, length] : undefined;
  } catch {
    return undefined; // Not an address: said to the reader by the caller.
  }
}

function overlap(one: string, other: string): boolean {
  const [a, b] = [parse(one)!, parse(other)!];
  const length = Math.min(a[1], b[1]);
  return a[0].match(b[0], length);
}
