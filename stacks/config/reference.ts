/** Settings as data for a reader: the reference page, the declarations in Pulumi.yaml, the types of written values. */
import { z } from "zod";
import { DECLARED_NAMES, KEYS, settings } from "./settings";
import { FEATURE_NAMES, FEATURES, PROFILES, PROFILE_NAMES } from "./features";
import { SUPPORTED_RUNTIMES } from "./runtimes";

export interface SettingReference {
  name: string;
  type: string;
  description: string;
  default?: unknown;
  values?: string[];
}

/** Every setting in the order of the schema. */
export function settingReferences(): SettingReference[] {
  const { properties = {} } = z.toJSONSchema(settings, { io: "input", unrepresentable: "any" });
  return Object.entries(
    properties as Record<string, { type?: string; description?: string; default?: unknown; enum?: string[] }>,
  ).map(([name, { type = "string", description = "", default: value, enum: values }]) => ({
    name,
    type,
    description,
    default: value,
    values,
  }));
}

/** The `config` block of Pulumi.yaml: what has a default for every stack. Features follow the profile, so they have none. */
export function declarations(): Record<string, Record<string, unknown>> {
  const declared = settingReferences().filter(
    ({ name, default: value }) => DECLARED_NAMES.includes(name) && value !== undefined,
  );
  return Object.fromEntries(
    declared.map(({ name, type, description, default: value }) => [
      name,
      { type, ...(type === "array" ? { items: { type: "string" } } : {}), default: value, description },
    ]),
  );
}

/** docs/configuration.md. */
export function configurationPage(): string {
  const references = settingReferences();
  const rows = references.filter(({ name }) => !(FEATURE_NAMES as string[]).includes(name)).map(settingRow);
  return [
    "# Configuration",
    "",
    "One stack is one environment: `Pulumi.<stack>.yaml` holds its values; `pulumi config set <key> <value>` or an editor writes them, and `npx sparklab up -c <key>=<value>` sets one for a run. Everything is checked before the first resource; all problems are told at once.",
    "",
    "## Settings",
    "",
    "| key | type | default | meaning |",
    "|---|---|---|---|",
    ...rows,
    "",
    "## Profiles and features",
    "",
    "A profile is a named set of features. A feature's own setting goes before the profile: `pulumi config set sparklab:workbench false`.",
    "",
    ...PROFILE_NAMES.map((name) => `- \`${name}\`: ${PROFILES[name].description}`),
    "",
    `| feature | ${PROFILE_NAMES.map((name) => `\`${name}\``).join(" | ")} | adds |`,
    `|---|${PROFILE_NAMES.map(() => ":-:|").join("")}---|`,
    ...FEATURE_NAMES.map(featureRow),
    "",
    "## Runtimes of managed Spark",
    "",
    "| runtime | Spark | supported until |",
    "|---|---|---|",
    ...Object.entries(SUPPORTED_RUNTIMES).map(([version, { spark, until }]) => `| ${version} | ${spark} | ${until} |`),
    "",
    "This page is written by `npm run inventory` from `stacks/config/settings.ts`.",
    "",
  ].join("\n");
}

function settingRow({ name, type, description, default: value, values }: SettingReference): string {
  const shown = value === undefined ? "" : `\`${typeof value === "string" ? value : JSON.stringify(value)}\``;
  return `| \`${KEYS[name] ?? `sparklab:${name}`}\` | ${values ? values.join(" \\| ") : type} | ${shown} | ${description} |`;
}

function featureRow(name: (typeof FEATURE_NAMES)[number]): string {
  const on = PROFILE_NAMES.map((profile) =>
    (PROFILES[profile].features as readonly string[]).includes(name) ? "on" : "",
  );
  const needs = FEATURES[name].needs ? ` (with \`${FEATURES[name].needs.join("`, `")}\`)` : "";
  return `| \`sparklab:${name}\` | ${on.join(" | ")} | ${FEATURES[name].adds}${needs} |`;
}
