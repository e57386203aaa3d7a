/** The stack's configuration: parsed once, all problems at once, before the first resource. */
import { existsSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { NAME_RULES, physicalName, type NamedKind } from "../components/names";

/** Runtimes of managed Spark that Google supports, and until when. Source: cloud.google.com/dataproc-serverless/docs/concepts/versions. */
export const SUPPORTED_RUNTIMES: Readonly<Record<string, string>> = { "2.3": "2027-11-26" };

/** Roles whose names are the longest of their kind: if these fit, all do. */
const LONGEST_ROLES: Partial<Record<NamedKind, string>> = {
  bucket: "staging",
  serviceAccount: "launcher",
  dataset: "churn",
  sessionTemplate: "notebook",
  customRole: "pipeline_launcher",
};

const schema = z.object({
  project: z
    .string({ error: "is missing; expected a project id. pulumi config set gcp:project <project-id>" })
    .regex(/^[a-z][a-z0-9-]{4,28}[a-z0-9]$/, "expected a project id of 6 to 30 characters. pulumi config set gcp:project <project-id>"),
  region: z
    .string({ error: "is missing; expected a region. pulumi config set gcp:region us-central1" })
    .regex(/^[a-z]+-[a-z]+[0-9]+$/, "expected a region such as us-central1. pulumi config set gcp:region us-central1"),
  prefix: z.string().regex(/^[a-z]([a-z0-9-]*[a-z0-9])?$/, "expected lower-case letters, digits and hyphens. pulumi config set sparklab:prefix <prefix>"),
  environment: z.string().regex(/^[a-z]([a-z0-9-]*[a-z0-9])?$/, "expected a stack name of lower-case letters, digits and hyphens. pulumi stack init <name>"),
  sparkRuntime: z.string().refine((version) => version in SUPPORTED_RUNTIMES, {
    error: `expected a supported runtime: ${Object.entries(SUPPORTED_RUNTIMES).map(([v, until]) => `${v} (until ${until})`).join(", ")}. pulumi config set sparklab:sparkRuntime 2.3`,
  }),
  customers: z.string().min(1, "expected the path of a CSV file. pulumi config set sparklab:customers <file>"),
  protectData: z.boolean({ error: "expected true or false. pulumi config set sparklab:protectData false" }),
  operators: z.array(
    z.string().regex(/^(user|group|serviceAccount):[^@\s]+@[^@\s]+$/, "expected user:, group: or serviceAccount: and an e-mail. pulumi config set --path 'sparklab:operators[0]' user:<e-mail>"),
  ),
});
export type LabConfig = z.infer<typeof schema>;

/** Where each setting is written, for the error text. */
const KEYS: Record<string, string> = { project: "gcp:project", region: "gcp:region", environment: "stack name" };

/**
 * Checks raw values. Pure.
 * @throws RunError, which Pulumi prints without a stack trace, that lists every problem, one per line, as `<key>: got <value>; <expected>. <command>`.
 */
export function parseConfig(raw: unknown, fileExists: (path: string) => boolean): LabConfig {
  const result = schema.safeParse(raw);
  const problems = result.success
    ? problemsOfWhole(result.data, fileExists)
    : result.error.issues.map((issue) => {
        const [field = "", ...rest] = issue.path.map(String);
        const value = issue.path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], raw);
        const key = KEYS[field] ?? `sparklab:${field}`;
        return `${[key, ...rest].join(".")}: got ${JSON.stringify(value) ?? "nothing"}; ${issue.message}`;
      });
  if (problems.length > 0 || !result.success) {
    throw new pulumi.RunError(`The stack's configuration has ${problems.length} problem(s):\n  ${problems.join("\n  ")}`);
  }
  return result.data;
}

/** Problems that only show when the fields are seen together, or outside the configuration. */
function problemsOfWhole(config: LabConfig, fileExists: (path: string) => boolean): string[] {
  const problems: string[] = [];
  for (const kind of Object.keys(NAME_RULES) as NamedKind[]) {
    try {
      physicalName(config, kind, LONGEST_ROLES[kind] ?? "role");
    } catch (error) {
      problems.push(`sparklab:prefix: ${(error as RangeError).message}`);
    }
  }
  if (!fileExists(config.customers)) {
    problems.push(`sparklab:customers: got "${config.customers}"; expected an existing CSV file. npm start restores the public sample`);
  }
  return problems;
}

/** Reads and checks the configuration of the running stack. */
export function readConfig(): LabConfig {
  const google = new pulumi.Config("gcp");
  const own = new pulumi.Config("sparklab");
  const raw = {
    project: google.get("project"),
    region: google.get("region"),
    environment: pulumi.getStack(),
    prefix: own.get("prefix") ?? "sparklab",
    sparkRuntime: own.get("sparkRuntime") ?? "2.3",
    customers: own.get("customers") ?? ".lab/data/telco_customer_churn.csv",
    protectData: own.getObject("protectData") ?? false,
    operators: own.getObject("operators") ?? [],
  };
  return parseConfig(raw, existsSync);
}
