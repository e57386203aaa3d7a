/** Every setting of a stack: type, default, meaning and the command that sets it. The reference page is made of this. */
import { z } from "zod";
import { FEATURE_NAMES, FEATURES, PROFILE_NAMES, type Feature } from "./features";
import { SUPPORTED_RUNTIMES, supportedRuntimes } from "./runtimes";

/** Where a setting stands when it is not `sparklab:<name>`. */
export const KEYS: Readonly<Record<string, string>> = {
  project: "gcp:project",
  region: "gcp:region",
  environment: "stack name",
};

/** The command that sets a setting. */
export const setting = (name: string, value: string): string =>
  `pulumi config set ${KEYS[name] ?? `sparklab:${name}`} ${value}`;

const WORDS = /^[a-z]([a-z0-9-]*[a-z0-9])?$/;
const CIDR = /^\d{1,3}(\.\d{1,3}){3}\/\d{1,2}$/;
const MEMBER = /^(user|group|serviceAccount):[^@\s]+@[^@\s]+$/;

const text = (name: string, pattern: RegExp, expected: string, example: string) =>
  z
    .string({ error: `is missing; expected ${expected}. ${setting(name, example)}` })
    .regex(pattern, `expected ${expected}. ${setting(name, example)}`);
const flag = (name: string) => z.boolean({ error: `expected true or false. ${setting(name, "false")}` });
const choice = <T extends string>(name: string, values: readonly [T, ...T[]]) =>
  z.enum(values, { error: `expected ${values.join(", ")}. ${setting(name, values[0])}` });
const runtime = (name: string, value: string) =>
  z.string().refine((version) => version in SUPPORTED_RUNTIMES, {
    error: `expected a supported runtime: ${supportedRuntimes()}. ${setting(name, value)}`,
  });
const members = (name: string) =>
  z.array(
    z
      .string()
      .regex(
        MEMBER,
        `expected user:, group: or serviceAccount: and an e-mail. pulumi config set --path 'sparklab:${name}[0]' user:<e-mail>`,
      ),
  );

const switches = Object.fromEntries(
  FEATURE_NAMES.map((name) => [name, flag(name).optional().describe(FEATURES[name].adds)]),
) as Record<Feature, z.ZodOptional<z.ZodBoolean>>;

const own = {
  prefix: text("prefix", WORDS, "lower-case letters, digits and hyphens", "<prefix>")
    .default("sparklab")
    .describe("First part of every physical name; must make bucket names globally unique on Google Cloud"),
  profile: choice("profile", PROFILE_NAMES)
    .default("minimal")
    .describe("The named set of features that this stack starts from"),
  sparkRuntime: runtime("sparkRuntime", "2.3")
    .default("2.3")
    .describe("Version of the managed Spark runtime that batches and the stored procedure run on"),
  jupyterRuntime: runtime("jupyterRuntime", "2.3").default("2.3").describe("Runtime of notebook sessions"),
  sparkConnectRuntime: runtime("sparkConnectRuntime", "3.0")
    .default("3.0")
    .describe("Runtime of Spark Connect sessions"),
  modelFormat: choice("modelFormat", ["bundle", "mleap", "onnx"])
    .default("bundle")
    .describe("How trained models are exported for scoring without Spark"),
  customers: z
    .string()
    .min(1, `expected the path of a CSV file. ${setting("customers", "<file>")}`)
    .default(".lab/data/telco_customer_churn.csv")
    .describe("CSV of telco customers that is uploaded as raw data; set-up restores the public sample here"),
  protectData: flag("protectData")
    .default(false)
    .describe("Refuse to delete non-empty buckets, the data set and its tables; keep deleted objects for 7 days"),
  operators: members("operators")
    .default([])
    .describe("Principals who run the lab: batches, notebooks, pipelines, the function, the queue"),
  attendees: members("attendees").default([]).describe("Principals who run batches and notebooks, and read the data"),
  subnetCidr: text("subnetCidr", CIDR, "an address range such as 10.10.0.0/20", "10.10.0.0/20")
    .default("10.10.0.0/20")
    .describe("Addresses of Spark nodes, Workbench and Composer"),
  peeringCidr: text("peeringCidr", CIDR, "an address range such as 10.20.0.0/16", "10.20.0.0/16")
    .default("10.20.0.0/16")
    .describe("Addresses that Google's services use when peering is on"),
  composerImage: text(
    "composerImage",
    /^composer-3-airflow-3(\.\d+)*(-build\.\d+)?$/,
    "an image of Composer 3 with Airflow 3",
    "composer-3-airflow-3",
  )
    .default("composer-3-airflow-3")
    .describe("Composer's image; Airflow 2 is never changed to 3 in place"),
  trainingSchedule: text("trainingSchedule", /^(\S+ ){4}\S+$/, "five cron fields", "'0 9 * * 1'")
    .default("0 9 * * 1")
    .describe("When the training pipeline starts by itself, as cron"),
  timeZone: text("timeZone", /^[A-Za-z_]+(\/[A-Za-z0-9_+-]+)*$/, "a time zone such as Etc/UTC", "Etc/UTC")
    .default("Etc/UTC")
    .describe("Time zone of the schedule"),
  qualityThreshold: z
    .number({ error: `expected a number from 0 to 1. ${setting("qualityThreshold", "0.5")}` })
    .min(0, `expected a number from 0 to 1. ${setting("qualityThreshold", "0.5")}`)
    .max(1, `expected a number from 0 to 1. ${setting("qualityThreshold", "0.5")}`)
    .default(0.5)
    .describe("Least area under the precision-recall curve of a trained model that is tuned, exported and registered"),
  tuningSearch: choice("tuningSearch", ["none", "small", "full", "random", "optuna"])
    .default("small")
    .describe("How the training pipeline searches for the forest's settings: full is 27 combinations by 5 folds"),
  deployModels: flag("deployModels")
    .default(false)
    .describe("Deploy each new champion to the Vertex AI endpoint, about $80 a month; the scoring API needs it not"),
  alertEmail: text("alertEmail", /^[^@\s]+@[^@\s]+$/, "an e-mail", "<e-mail>")
    .optional()
    .describe("Who is told of failed batches and pipelines; nobody when unset"),
  billingAccount: text(
    "billingAccount",
    /^[0-9A-F]{6}(-[0-9A-F]{6}){2}$/,
    "a billing account such as 012345-ABCDEF-678901",
    "<id>",
  )
    .optional()
    .describe("Billing account of the budget"),
  monthlyBudget: z
    .number({ error: `expected an amount. ${setting("monthlyBudget", "100")}` })
    .int(`expected a whole amount. ${setting("monthlyBudget", "100")}`)
    .positive(`expected more than 0. ${setting("monthlyBudget", "100")}`)
    .default(100)
    .describe("The budget, in US dollars a month"),
};

export const settings = z.strictObject({
  project: text(
    "project",
    /^[a-z][a-z0-9-]{4,28}[a-z0-9]$/,
    "a project id of 6 to 30 characters",
    "<project-id>",
  ).describe("Project that everything is made in"),
  region: text("region", /^[a-z]+-[a-z]+[0-9]+$/, "a region such as us-central1", "us-central1").describe(
    "Region of everything that has one",
  ),
  environment: z
    .string()
    .regex(WORDS, "expected a stack name of lower-case letters, digits and hyphens. pulumi stack init <name>")
    .describe("The stack's name; second part of every physical name"),
  ...own,
  ...switches,
});
export type Settings = z.infer<typeof settings>;

/** Names of the settings in the `sparklab` namespace. */
export const OWN_NAMES: readonly string[] = Object.keys({ ...own, ...switches });
/** Settings that every stack has, with their defaults; features follow the profile. */
export const DECLARED_NAMES: readonly string[] = Object.keys(own);
